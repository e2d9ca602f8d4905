"""When records go to a broker: as many as there are at once, and not while it is still at work.

A request costs as much as ten webhooks, however many it carries, and the producer has one under way
to each broker. A batch that is handed over meanwhile is closed and waits there with the few records
that it has. Whoever gets an answer then sends again and begins the next small batch, so under load
the senders split into groups that take turns and never come together again: each webhook waits for
all of them, and costs half as much again. So a lane keeps its records until the broker is free.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

LINGER_SECONDS = 0.003
"""How long the first record of a batch waits for others."""
REST_SECONDS = 0.001
"""How long a broker rests after its last answer: those who got one may send again."""
PATIENCE_SECONDS = 0.1
"""A broker that has not answered for so long gets what there is: it may be a single partition that
is tried again and again."""


class Boarding(Protocol):
    """Has records for a broker."""

    def begin(self) -> None:
        """Hand them over now."""


class Turns:
    """Lets the lanes of one broker hand over together."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Boarding] = []
        self._due = 0.0
        """When the first of them has waited long enough for others."""
        self._patient_until = 0.0
        self._under_way = 0
        self._timer: asyncio.TimerHandle | None = None

    def join(self, lane: Boarding) -> None:
        """Let a lane begin with the others, at their next turn."""
        if not self._waiting:
            now = self._loop.time()
            self._due = now + LINGER_SECONDS
            self._patient_until = now + PATIENCE_SECONDS
            self._begin_at(self._due)
        self._waiting.append(lane)

    def left(self) -> None:
        """A batch was handed over."""
        self._under_way += 1

    def arrived(self) -> None:
        """It is known what became of it."""
        self._under_way -= 1
        if self._waiting:
            now = self._loop.time()
            self._patient_until = now + PATIENCE_SECONDS
            if not self._under_way:
                self._begin_at(max(self._due, now + REST_SECONDS))

    def _begin_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if self._under_way and self._loop.time() < self._patient_until:
            self._begin_at(self._patient_until)
            return
        lanes, self._waiting = self._waiting, []
        for lane in lanes:
            lane.begin()
