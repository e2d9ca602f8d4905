"""What the owner of a table does beside committing: thin and sweep its history, announce it.

All commits are announced, also those of maintainers, and nothing is thinned that is not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from aiokafka import AIOKafkaProducer

from deploy.embedded.layout import Layout
from shared.contracts.topics import COMMITS, TABLES
from shared.lake.announcements import unannounced
from shared.lake.catalog import open_catalog
from shared.lake.commit import Outcome, Thinning
from shared.lake.handle import TableHandle
from shared.lake.sweeping import Sweeper
from shared.runtime.blocking import BlockingThread
from shared.runtime.bus import producer, publish
from shared.runtime.settings import Settings
from tests.soak.eager import SWEEP_DELAY_S, THINNING
from tests.soak.pace import Pace


class Owned:
    """The history of one table."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.handle = TableHandle(open_catalog(settings), settings.environment, name)
        self._settings = settings
        self._sweeper = Sweeper(SWEEP_DELAY_S)
        self._announced = 0

    @property
    def thinning(self) -> Thinning:
        """Never beyond what is announced."""
        return Thinning(THINNING, announced=self._announced)

    def sweep(self, outcome: Outcome) -> None:
        """Note what a commit has removed; delete what is due."""
        self._sweeper.removed(outcome.state.table_uuid, outcome.removed)
        if self._sweeper.due():
            with contextlib.suppress(OSError):  # it still waits
                self._sweeper.sweep(self.handle.reload(), self.handle.table.io)

    async def announce(self, bus: AIOKafkaProducer, outcome: Outcome) -> None:
        """Tell of all commits up to this one that were not told of."""
        for event in unannounced(self.handle.name, outcome.state, self._announced):
            await publish(bus, self._settings, COMMITS, event)
            await publish(bus, self._settings, TABLES, event)
            self._announced = event.sequence_number


Act = Callable[[int, Thinning], Outcome | None]
"""(number of the moment, what to thin) → the commit; nothing when there is nothing to do yet."""


async def own(directory: Path, pace: Pace, name: str, acting: Callable[[TableHandle], Act]) -> None:
    """Commit to a table at each moment of the pace, and do what its owner does besides."""
    settings = Settings(_env_file=Layout(directory / "data").connection_file)
    thread, clock = BlockingThread("commit"), BlockingThread("pace")
    owned = Owned(settings, name)
    act = acting(owned.handle)
    bus = producer(settings, "soak")
    await bus.start()
    try:
        moments = pace.moments()
        while (number := await clock.run(partial(next, moments, None))) is not None:
            outcome = await thread.run(partial(act, number, owned.thinning))
            if outcome is not None:
                await owned.announce(bus, outcome)
                await thread.run(partial(owned.sweep, outcome))
    finally:
        await bus.stop()
