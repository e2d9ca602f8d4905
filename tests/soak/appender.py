"""``python -m tests.soak.appender DIRECTORY``: new rows for both tables, a commit a second each.

It does to the tables what their owners do besides: thins and sweeps their histories, and announces
all commits, also those of others.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
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
from shared.lake.table_state import SnapshotEntry
from shared.runtime.blocking import BlockingThread
from shared.runtime.bus import producer, publish
from shared.runtime.settings import Settings
from tests.soak.committing import Change, Keyed, Landings
from tests.soak.eager import SWEEP_DELAY_S, THINNING
from tests.soak.ledger import Ledger
from tests.soak.pace import Pace
from tests.soak.rows import KEYED, LANDING

LANDING_STREAM, KEYED_STREAM = "landing-append", "keyed-append"
LANDING_ROWS, KEYED_ROWS = 20, 8


class Owned:
    """The history of one table: thinned up to what is announced, swept, announced."""

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


def _new_rows(handle: TableHandle, head: SnapshotEntry | None, complete: int) -> Change:
    ids = [(complete + number, 0) for number in range(KEYED_ROWS)]
    return Change(ids, read=KEYED_ROWS)


async def append(directory: Path, pace: Pace) -> None:
    """Append until the pace ends."""
    settings = Settings(_env_file=Layout(directory / "data").connection_file)
    thread, clock = BlockingThread("append"), BlockingThread("pace")
    landed, keyed = Owned(settings, LANDING.name), Owned(settings, KEYED.name)
    landings = Landings(landed.handle, Ledger(directory, LANDING_STREAM))
    changes = Keyed(keyed.handle, Ledger(directory, KEYED_STREAM))
    bus = producer(settings, "soak")
    await bus.start()
    try:
        moments = pace.moments()
        while await clock.run(lambda: next(moments, None)) is not None:
            for owned, outcome in (
                (landed, await thread.run(lambda: landings.append(LANDING_ROWS, landed.thinning))),
                (keyed, await thread.run(lambda: changes.change(_new_rows, keyed.thinning))),
            ):
                if outcome is not None:
                    await owned.announce(bus, outcome)
                    await thread.run(partial(owned.sweep, outcome))
    finally:
        await bus.stop()


def main() -> None:
    """Append until told to end."""
    pace = Pace(lag_s=0.0)
    pace.obey_signals()
    asyncio.run(append(Path(sys.argv[1]), pace))


if __name__ == "__main__":
    main()
