"""Events published in the background: a broker that is away holds up no work.

In order, each until it is acknowledged. Beyond :data:`MOST` waiting events the oldest are dropped
and counted: for what the tables themselves can tell, too.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from shared.contracts.event import Event
from shared.runtime.outage import Outage

log = structlog.stdlib.get_logger("bergline.runtime")

MOST = 10_000
RETRY_S = 1.0

Send = Callable[[str, Event], Awaitable[None]]
"""Publish one event on a logical topic; returns when the broker has it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    topic: str
    event: Event
    acknowledged: Callable[[], None] | None


class EventQueue:
    """A bounded queue and the task that empties it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._task: asyncio.Task[None] | None = None
        self._outage = Outage(log, "events not published, trying again")
        self.dropped = 0
        """Events given up."""

    @property
    def pending(self) -> int:
        """Events not yet acknowledged."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin to publish."""
        self._task = asyncio.create_task(self._run(), name="publish events")

    def tell(
        self, topic: str, event: Event, acknowledged: Callable[[], None] | None = None
    ) -> None:
        """Publish an event soon; ``acknowledged`` is called when the broker has it."""
        if len(self._waiting) >= MOST:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(_Waiting(topic, event, acknowledged))
        self._empty.clear()
        self._wake.set()

    def tell_all(
        self, topic: str, events: Sequence[Event], acknowledged: Callable[[], None]
    ) -> None:
        """Publish events soon; ``acknowledged`` is called once the broker has all of them."""
        left = len(events)

        def one() -> None:
            nonlocal left
            left -= 1
            if not left:
                acknowledged()

        for event in events:
            self.tell(topic, event, one)

    async def flush(self, seconds: float) -> None:
        """Wait until all is published, but not longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()

    async def stop(self) -> None:
        """End; what waits is not published."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                first = self._waiting[0]
                try:
                    await self._send(first.topic, first.event)
                except Exception as error:  # noqa: BLE001 - publishing must never end
                    self._outage.failed(error)
                    await asyncio.sleep(RETRY_S)
                    continue
                self._outage.over()
                if first.acknowledged is not None:
                    first.acknowledged()
                if self._waiting and self._waiting[0] is first:  # not dropped meanwhile
                    self._waiting.popleft()
            self._empty.set()
