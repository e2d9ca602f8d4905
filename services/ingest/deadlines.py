"""How long a record may wait: for the broker, then for anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from services.ingest.record import Record
from shared.runtime.errors import Unavailable

TICK_SECONDS = 0.02
"""How much earlier than its time a record may be given up."""


class Deadlines:
    """Two timers for all records of a tick: much cheaper than two for each.

    Args:
        spool_after_s: how long the broker may take.
        ack_timeout_s: after so long a record is settled as unavailable.
        too_slow: called with the records of a tick when the broker had its time; ``None``: it has
            as long as everybody.
    """

    def __init__(
        self,
        spool_after_s: float,
        ack_timeout_s: float,
        too_slow: Callable[[Sequence[Record]], None] | None,
    ) -> None:
        self._spool_after = spool_after_s
        self._ack_timeout = ack_timeout_s
        self._too_slow = too_slow
        self._loop = asyncio.get_running_loop()
        self._tick: list[Record] = []
        self._tick_ends = 0.0

    def add(self, record: Record) -> None:
        """Look at it when its time is over."""
        now = self._loop.time()
        if now > self._tick_ends:
            self._tick_ends = now + TICK_SECONDS
            self._tick = []
            if self._too_slow is not None:
                self._loop.call_later(self._spool_after, self._too_slow, self._tick)
            self._loop.call_later(self._ack_timeout, self._expire, self._tick)
        self._tick.append(record)

    def _expire(self, tick: Sequence[Record]) -> None:
        why = f"no durable acknowledgement within {self._ack_timeout} s"
        for record in tick:
            if not record.is_settled:
                record.settle(Unavailable(why))
