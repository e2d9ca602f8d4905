"""When records go to a broker: as many as there are at once, and not while it is still at work.

A request costs as much as ten webhooks, however many it carries, and the producer has one under way
to each broker. A batch that is handed over meanwhile is closed and waits with the few records that
it has. Whoever gets an answer then sends again and begins the next small batch, so the senders fall
into groups that take turns and never come together again: each webhook waits for all of them, and
costs half as much again. So lanes keep their records until the broker is free.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

LINGER_SECONDS = 0.003
"""How long the first record waits for others, also when the broker is free."""
PATIENCE_SECONDS = 0.1
"""After so long the broker gets what there is all the same: it may be at work for one partition
only, with a backlog, or trying again and again."""


class Boarding(Protocol):
    """Has records for a broker."""

    def begin(self) -> None:
        """Hand them over now."""


class Turns:
    """Lets the lanes of one broker hand over together."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Boarding] = []
        self._since = 0.0
        """When the first of them came."""
        self._under_way = 0
        self._timer: asyncio.TimerHandle | None = None

    def join(self, lane: Boarding) -> None:
        """Let a lane begin with the others, at their next turn."""
        if not self._waiting:
            self._since = self._loop.time()
            self._look_at(self._since + LINGER_SECONDS)
        self._waiting.append(lane)

    def left(self) -> None:
        """A batch was handed over."""
        self._under_way += 1

    def arrived(self) -> None:
        """It is known what became of it."""
        self._under_way -= 1
        if self._waiting and not self._under_way:
            self._look_at(max(self._loop.time(), self._since + LINGER_SECONDS))

    def _look_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._timer = None
        patience_ends = self._since + PATIENCE_SECONDS
        if self._under_way and self._loop.time() < patience_ends:
            self._look_at(patience_ends)
            return
        lanes, self._waiting = self._waiting, []
        for lane in lanes:
            lane.begin()
