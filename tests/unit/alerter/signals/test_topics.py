"""Topics are read each at its own pace; what is gone stays gone, whichever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from types import SimpleNamespace
from typing import Any

import pytest

from services.alerter.rules.ruleset import rule_files
from services.alerter.signals import topics as module
from services.alerter.signals.topics import STARTS, SignalTopics
from shared.alerting.expression import Comparison, Selector
from shared.alerting.signals.dead_letters import SEEN
from shared.alerting.signals.every import Sources, following
from shared.alerting.signals.reader_floors import FLOOR_AGE
from shared.contracts.dead_letters import DeadLetter
from shared.contracts.event import Event
from shared.contracts.topics import BUILDS, COMMITS, DEAD_LETTERS, MAINTENANCE, TABLES
from shared.runtime.settings import Settings
from tests.unit.alerting.signals import histories
from tests.unit.alerting.signals.histories import NOON, RAW, STAGED, TOPIC

NOW = datetime.now(UTC).replace(microsecond=0)


class Topic:
    """A topic's reader, without a broker."""

    def __init__(
        self, _: Settings, topic: str, on_record: Callable[[Any], None], *, start: object
    ) -> None:
        self.topic = topic
        self.on_record = on_record
        self.begins = start
        self.caught_up = asyncio.Event()

    def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def has(self, event: Event) -> None:
        key, value, headers = event.encode()
        at = int(event.event_time().timestamp() * 1000)
        self.on_record(SimpleNamespace(key=key, value=value, headers=headers, timestamp=at))

    def forgets(self, table: str) -> None:
        self.on_record(SimpleNamespace(key=table.encode(), value=None, headers=[]))


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def _series_of(sources: Sources, table: str) -> set[str]:
    return {
        name
        for source in sources.all
        for name, vector in source.vectors(NOON).items()
        for series in vector
        if {("table", table), ("target", table), ("reader", table)} & set(series)
    }


@pytest.mark.parametrize("order", list(permutations((COMMITS, TABLES, MAINTENANCE, BUILDS))))
@pytest.mark.asyncio
async def test_a_table_that_was_dropped_before_the_start_has_no_series(
    order: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commits, builds and jobs of it are still in the topics, and may be read after its end."""
    monkeypatch.setattr(module, "TopicReader", Topic)
    sources = following(histories.TABLES, [TOPIC])
    topics = SignalTopics(Settings(), sources, NOW, lambda *_: None)
    readers: dict[str, Topic] = topics._readers  # type: ignore[assignment]
    topics.start()
    for name in order:
        topic = readers[name]
        if name == COMMITS:
            topic.has(histories.landed(1))
            topic.has(histories.built(STAGED, 1, 0))
        elif name == TABLES:
            topic.has(histories.landed(1))
            topic.forgets(STAGED)
        elif name == MAINTENANCE:
            topic.has(histories.unmaintained(STAGED, 5))
        else:
            topic.has(histories.failed(STAGED, 5))
        topic.caught_up.set()
        await _settled()
    assert _series_of(sources, STAGED) == set()
    assert _series_of(sources, RAW)

    readers[COMMITS].has(histories.built(STAGED, 1, 0, uuid="another"))
    assert _series_of(sources, STAGED), "it is there again"
    await topics.stop()


AGES = {"lakehouse_wave_age_seconds", "lakehouse_table_staleness_seconds", FLOOR_AGE}
"""Signals that are counted from commits on, and never further back than these are read."""


def test_commits_are_read_from_before_anything_that_a_rule_takes_for_too_old() -> None:
    """Else an alert would be over at each restart, and come back hours later."""
    limits = [
        each.right
        for rule in rule_files(None, 1.0).value.values()
        if isinstance(each := rule.condition, Comparison)
        and isinstance(each.left, Selector)
        and each.left.signal in AGES
        and isinstance(each.right, float)
    ]
    start = STARTS[COMMITS]
    assert isinstance(start, timedelta)
    assert max(limits) < start.total_seconds()


def letter(offset: int, at: datetime) -> DeadLetter:
    return DeadLetter(
        stage="processing",
        service="stream_writer",
        reason="invalid_json",
        detail="not JSON",
        topic=TOPIC,
        partition=0,
        offset=offset,
        failed_at=at,
    )


@pytest.mark.asyncio
async def test_letters_of_the_time_off_are_added_to_counters_that_have_been_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They begin at 0 for everybody, so that there is an increase."""
    monkeypatch.setattr(module, "TopicReader", Topic)
    monkeypatch.setattr(module, "SEEN_FIRST_S", 0)
    looked = NOW - timedelta(hours=3)
    sources = following(histories.TABLES, [TOPIC], unseen_since=looked.timestamp())
    counted: list[float] = []
    twice = asyncio.Event()

    def changed(names: frozenset[str], _: str | None) -> None:
        if names & sources.letters.names:
            counted.append(sum(sources.letters.vectors(NOON)[SEEN].values()))
        if len(counted) == 2:
            twice.set()

    topics = SignalTopics(Settings(), sources, looked, changed)
    reader: Topic = topics._readers[DEAD_LETTERS]  # type: ignore[assignment]
    assert reader.begins == looked
    topics.start()
    for offset in range(12):
        reader.has(letter(offset, looked + timedelta(minutes=offset)))
    reader.has(letter(12, looked - timedelta(minutes=1)))
    reader.caught_up.set()
    await twice.wait()
    reader.has(letter(13, NOW))
    assert counted == [0, 12, 13]
    await topics.stop()
