"""Publishing what the journal says is unpublished, for as long as the broker is away.

A change of an alert goes to ``lakehouse.alerts`` first, then to ``lakehouse.alert-states``;
everything else to the latter only. Records of one key follow each other; those of different keys
go side by side. A crash repeats what was not marked as published; the ids are the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from services.alerter.journal.journal import Journal
from services.alerter.journal.lines import Forgotten
from services.alerter.journal.unpublished import Waiting, key_of
from shared.contracts.alerts import AlertChanged
from shared.contracts.event import Event
from shared.contracts.topics import ALERT_STATES, ALERTS
from shared.runtime.outage import Outage

log = structlog.stdlib.get_logger("bergline.alerter")

AT_ONCE = 500
"""Entries that are under way together."""
RETRY_S = 1.0
"""Pause before what failed is tried again."""
CUT_OFF_S = 10.0
"""When something waits, and nothing could be published for so long, others do not hear of it."""


class Sender(Protocol):
    """Publishes on logical topics; returns when the broker has it, raises when it may not."""

    async def send(self, topic: str, event: Event) -> None:
        """One event."""

    async def erase(self, topic: str, key: str) -> None:
        """A tombstone."""


class Announcing:
    """The task that publishes for one journal.

    Args:
        journal: has what is to be published.
        sender: publishes.
        clock: monotonic seconds.
    """

    def __init__(
        self, journal: Journal, sender: Sender, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._journal = journal
        self._sender = sender
        self._clock = clock
        self._waits_since: float | None = None
        self._outage = Outage(log, "changes of alerts are not published yet")
        self._task: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    def start(self) -> None:
        """Begin in the background."""
        self._task = asyncio.create_task(self._run(), name="announce alerts")

    async def stop(self) -> None:
        """End; what was not acknowledged is published again by the next one."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def flush(self) -> None:
        """Return when nothing is unpublished; it is for the caller to limit the time."""
        while self._journal.state.unpublished:
            async with self._one_at_a_time:
                await self._once()

    def cut_off_in(self) -> float | None:
        """Seconds until others do not hear of what happens here, if nothing can be published until
        then; 0: they do not; ``None``: nothing waits. To be asked when something happened."""
        if not self._journal.state.unpublished:
            self._waits_since = None
            return None
        if self._waits_since is None:
            self._waits_since = self._clock()
        return max(0.0, self._waits_since + CUT_OFF_S - self._clock())

    async def _run(self) -> None:
        while True:
            await self._journal.unpublished_changed.wait()
            self._journal.unpublished_changed.clear()
            await self.flush()

    async def _once(self) -> None:
        by_key: dict[str, list[Waiting]] = {}
        for entry in self._journal.state.unpublished.first(AT_ONCE):
            by_key.setdefault(key_of(entry), []).append(entry)
        outcomes = await asyncio.gather(
            *(self._in_order(entries) for entries in by_key.values()), return_exceptions=True
        )
        failures = [each for each in outcomes if isinstance(each, BaseException)]
        if not failures:
            self._outage.over()
            return
        self._outage.failed(failures[0])
        await asyncio.sleep(RETRY_S)

    async def _in_order(self, entries: Sequence[Waiting]) -> None:
        for entry in entries:
            await self._publish(entry)
            self._journal.published([entry.number])
            self._waits_since = self._clock()

    async def _publish(self, entry: Waiting) -> None:
        if isinstance(entry, Forgotten):
            await self._sender.erase(ALERT_STATES, entry.key)
            return
        event = entry.event
        if isinstance(event, AlertChanged):
            await self._sender.send(ALERTS, event)
            if self._is_overtaken(event):
                return
        await self._sender.send(ALERT_STATES, event)

    def _is_overtaken(self, event: AlertChanged) -> bool:
        """Whether a later change is known: the compacted topic must not end with an old one.

        A later one of our own follows; one of another alerter is there already.
        """
        known = self._journal.board.alerts.get(event.fingerprint)
        return known is not None and known.transition > event.transition
