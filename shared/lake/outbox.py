"""Announce every commit of a table, in order, until the broker has acknowledged it.

One worker announces for a table: the one that owns its first partition. It walks from the head
back to the last announced sequence number, so what a crashed worker left unannounced, and what
other workers commit, is announced too. Events may repeat; readers drop sequence numbers they know.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from shared.contracts.tables import TableCommitted
from shared.lake.announcements import unannounced
from shared.lake.table_state import TableState
from shared.runtime.outage import Outage
from shared.runtime.table_states import TableStates

log = structlog.stdlib.get_logger("bergline.lake")

Announce = Callable[[TableCommitted], Awaitable[None]]
LoadState = Callable[[], Awaitable[TableState]]

POLL_S = 2.0
"""How often the owner looks for commits of others."""
RETRY_S = 1.0
"""Pause before what failed is tried again."""


class Outbox:
    """The announcements of one table."""

    def __init__(
        self,
        table: str,
        states: TableStates,
        announce: Announce,
        load: LoadState,
    ) -> None:
        self._table = table
        self._states = states
        self._announce = announce
        self._load = load
        self._task: asyncio.Task[None] | None = None
        self._state: TableState | None = None
        self._wake = asyncio.Event()
        self._nothing_waits = asyncio.Event()
        self._nothing_waits.set()
        self._announced = 0
        self._uuid = ""
        self.pending = 0
        self._outage = Outage(log, "commits not announced yet", table=table)

    @property
    def owner(self) -> bool:
        """Whether this worker announces for the table."""
        return self._task is not None

    @property
    def announced(self) -> int:
        """Last sequence number that is known to be announced."""
        return self._announced

    def own(self) -> None:
        """This worker announces from now on; begins with what is missing."""
        if self._task is None:
            self._announced = 0
            self._state = None
            self._task = asyncio.create_task(self._run(), name=f"announce {self._table}")

    def disown(self) -> asyncio.Task[None] | None:
        """Another worker announces from now on; the task that ends, if there is one."""
        task, self._task = self._task, None
        self._nothing_waits.set()
        self.pending = 0
        if task is not None:
            task.cancel()
        return task

    async def release(self) -> None:
        """:meth:`disown`, and wait for the end."""
        task = self.disown()
        if task is not None:
            await asyncio.wait({task})

    def committed(self, state: TableState) -> None:
        """This worker has committed; ``state`` is the table right after it."""
        if self.owner:
            self._state = state
            self._nothing_waits.clear()
            self._wake.set()

    async def flush(self) -> None:
        """Wait until every commit that this worker knows of is announced."""
        await self._nothing_waits.wait()

    async def _run(self) -> None:
        await self._states.reader.caught_up.wait()
        while True:
            state, self._state = self._state, None
            try:
                if state is None:
                    state = await self._load()
                await self._announce_missing(state)
            except Exception as error:  # noqa: BLE001 - announcing must never end
                self._outage.failed(error)
                if self._state is None:
                    self._state = state
                await asyncio.sleep(RETRY_S)
                continue
            self._outage.over()
            self._wake.clear()
            if self._state is None:
                self._nothing_waits.set()
                # Not wait_for: before Python 3.12 it may swallow the cancellation.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._wake.wait()

    async def _announce_missing(self, state: TableState) -> None:
        uuid = state.table_uuid
        if uuid != self._uuid:  # a table made anew counts from one again
            self._uuid, self._announced = uuid, 0
        self._announced = max(self._announced, self._states.announced(self._table, uuid))
        events = unannounced(self._table, state, self._announced)
        self.pending = len(events)
        for event in events:
            await self._announce(event)
            self._announced = event.sequence_number
            self.pending -= 1
