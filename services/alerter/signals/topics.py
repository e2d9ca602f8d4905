"""Topics, read by every alerter, to the sources of signals that follow from their events."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

from shared.alerting.signals.every import Sources
from shared.alerting.signals.uncompacted_files import TOLD_WITHIN
from shared.contracts.dead_letters import TOPIC_HEADER
from shared.contracts.event import Event
from shared.contracts.topics import (
    BUILDS,
    COMMITS,
    DEAD_LETTERS,
    MAINTENANCE,
    PARTITIONS,
    SPOOL,
    TABLES,
)
from shared.runtime.event_log import decoded
from shared.runtime.settings import Settings
from shared.runtime.topic_reader import TopicReader

Changed = Callable[[frozenset[str], str | None], object]
"""Told which signals changed, and by which event."""

STARTS: dict[str, Literal["beginning"] | timedelta] = {
    TABLES: "beginning",
    PARTITIONS: "beginning",
    COMMITS: timedelta(hours=13),
    BUILDS: timedelta(hours=1),
    MAINTENANCE: TOLD_WITHIN,
    SPOOL: timedelta(days=1, hours=1),
}
"""Where each topic is read from. A wave is stale after six hours, a reader holds a floor after
twelve: with fewer a restart would take their alerts for over. A target that fails is built
again within minutes, a job of maintenance run again within half an hour; the entity index is
checked daily, and twice a day is told which tables rightly have many files. Dead letters are read
from where an alerter last looked."""

LONGEST_UNSEEN = timedelta(days=1)
"""Dead letters of the time that no alerter looked are read of so long at most: older ones are no
news."""

SEEN_FIRST_S = 60.0
"""So long are the counters of dead letters shown, here and to Prometheus, before those of that time
are added: what begins with a number has not increased."""

_PLACE = re.compile(r"(.+)/\d+/\d+")
"""Key of a dead letter that is about a record."""


class SignalTopics:
    """Feeds the sources in the background.

    States of ``lakehouse.tables`` are told once the commits are caught up with: a table's last
    state first would hide the commits before it. From then on only that a table is gone counts
    there, as commits say everything else, and in order. What is gone at the start is told of anew
    whenever a topic has been read that may speak of it.

    Args:
        settings: where the broker is.
        sources: fed by this and by nobody else.
        unseen_since: from when on dead letters are read.
        changed: told when an event changed signals; not of events of before the start.
    """

    def __init__(
        self, settings: Settings, sources: Sources, unseen_since: datetime, changed: Changed
    ) -> None:
        self._sources = sources
        self._changed = changed
        self._states: dict[str, Event] = {}
        self._gone: set[str] = set()
        self._known = False
        self._readers = {
            topic: TopicReader(settings, topic, self._taking(topic), start=start)
            for topic, start in {**STARTS, DEAD_LETTERS: unseen_since}.items()
        }
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin in the background."""
        for reader in self._readers.values():
            reader.start()
        alone = [topic for topic in self._readers if topic not in (COMMITS, TABLES)]
        self._tasks = [
            asyncio.create_task(self._tables(), name="catch up with tables"),
            *(asyncio.create_task(self._alone(t), name=f"catch up with {t}") for t in alone),
        ]

    async def stop(self) -> None:
        """End; returns when the connections are closed."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await asyncio.gather(*(reader.stop() for reader in self._readers.values()))

    def _taking(self, topic: str) -> Callable[[Any], None]:
        if topic == DEAD_LETTERS:
            return self._letter
        if topic == TABLES:
            return self._state

        def take(record: Any) -> None:
            event = decoded(record)
            if event is not None:
                self._tell(self._sources.event(topic, event), event.event_id())

        return take

    def _state(self, record: Any) -> None:
        table = (record.key or b"").decode("utf-8", "replace")
        if record.value is None:
            self._states.pop(table, None)
            self._gone.add(table)
            self._tell(self._sources.gone(table), None)
            return
        self._gone.discard(table)
        if not self._known and (event := decoded(record)) is not None:
            self._states[table] = event

    def _letter(self, record: Any) -> None:
        """Its value is never looked at: it holds plaintext."""
        letter = (record.key or b"").decode("utf-8", "replace")
        place = _PLACE.fullmatch(letter)
        topic = "" if place is None else place[1]
        for name, text in record.headers or ():
            if name == TOPIC_HEADER:
                topic = text.decode("utf-8", "replace")
        at = record.timestamp / 1000
        self._tell(self._sources.letters.letter(letter, topic, at), letter)

    def _tell(self, names: frozenset[str], cause: str | None) -> None:
        if names:
            self._changed(names, cause)

    async def _tables(self) -> None:
        await self._readers[COMMITS].caught_up.wait()
        await self._readers[TABLES].caught_up.wait()
        states, self._states = self._states, {}
        for state in states.values():
            self._sources.event(TABLES, state)
        self._known = True
        self._caught_up(COMMITS, TABLES)

    async def _alone(self, topic: str) -> None:
        await self._readers[topic].caught_up.wait()
        self._caught_up(topic)
        if topic == DEAD_LETTERS:
            await asyncio.sleep(SEEN_FIRST_S)
            self._tell(self._sources.letters.count_unseen(), None)

    def _caught_up(self, *topics: str) -> None:
        for table in self._gone:
            self._sources.gone(table)
        for topic in topics:
            self._sources.caught_up(topic)
        self._tell(
            frozenset().union(*(s.names for s in self._sources.all if s.reads & set(topics))), None
        )
