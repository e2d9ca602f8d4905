"""What alerters learn of normal silence, shared: the next owner of a rule knows as much.

It is learned from a week of commits, of which an alerter that begins reads half a day. One that
knew less would take a table's usual silence for too long, or know of none, and an alert that fires
for over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from shared.alerting.signals.recalling import learned, remembered
from shared.alerting.signals.rhythm import Remembered
from shared.contracts.event import Event
from shared.contracts.landing import LandingLearned

EVERY_S = 1800.0
"""More often it is not said: what came since is read from commits."""


class Learner(Protocol):
    """The source of signals that learns."""

    def known(self, now: float) -> bool:
        """Whether it has caught up with what it reads."""

    def remembered(self) -> Mapping[str, Remembered]:
        """What it has learned, by table."""

    def recall(self, table: str, known: Remembered) -> object:
        """Somebody else has learned this."""


class Learning:
    """Tells others what is learned here of the tables that are this alerter's to tell of.

    Args:
        learner: learns.
        keep: makes an event durable and sees to its being published.
        owns: what is dealt to this alerter, by key; one of all tells of a table.
        now: seconds since the epoch.
    """

    def __init__(
        self,
        learner: Learner,
        keep: Callable[[Event], Awaitable[object]],
        owns: Callable[[str], bool],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._learner = learner
        self._keep = keep
        self._owns = owns
        self._now = now
        self._told: dict[str, Remembered] = {}

    def heard(self, event: LandingLearned) -> None:
        """Somebody has learned this, perhaps this alerter."""
        self._learner.recall(event.table, remembered(event))

    async def run(self) -> None:
        """Tell from time to time, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.share()

    async def share(self) -> None:
        """Tell what is new."""
        if not self._learner.known(self._now()):
            return  # others know more
        for table, known in self._learner.remembered().items():
            event = learned(table, known, self._now())
            if event is None or known == self._told.get(table) or not self._owns(event.key()):
                continue
            await self._keep(event)
            self._told[table] = known
