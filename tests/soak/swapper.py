"""``python -m tests.soak.swapper DIRECTORY``: swaps rows of the keyed table, a commit a second.

Some rows get another version, some go, a new one comes: position deletes beside the old files and
appended rows, in one commit. The places are looked up on a head that a compaction may replace
before the commit comes to it.

Deletes are not folded in here, as a build would: that is due at twenty commits with deletes, which
this maintainer never lets come together.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from pathlib import Path

import polars as pl

from deploy.embedded.layout import Layout
from shared.lake.catalog import open_catalog
from shared.lake.handle import TableHandle
from shared.lake.reading.scan import FILE, POS, Keys, scan
from shared.lake.table_state import SnapshotEntry
from shared.runtime.settings import Settings
from tests.soak.committing import Change, Keyed
from tests.soak.ledger import Ledger
from tests.soak.pace import Pace
from tests.soak.rows import KEYED, Identity

STREAM = "keyed-swap"
TRIED, SWAPPED, ENDED = 60, 6, 2
"""Numbers looked for, of which some are gone; rows that get another version; rows that go."""
OWN = 1_000_000_000
"""From here on are the numbers of rows that come with a swap."""


class Swaps:
    """Plans swaps; each is another one, and the same again when it is planned again."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.number = 0

    def plan(self, handle: TableHandle, head: SnapshotEntry | None, complete: int) -> Change | None:
        """Rows of the head, chosen by chance; nothing while it has none."""
        if head is None:
            return None
        chance = random.Random(f"{self._seed}/{self.number}")
        wanted = [chance.randrange(complete) for _ in range(TRIED)]
        wanted += [OWN + chance.randrange(self.number) for _ in range(5 if self.number else 0)]
        found = _found(handle, head, wanted)
        if found.height < SWAPPED + ENDED:
            return None
        chosen = chance.sample(found.rows(), SWAPPED + ENDED)
        positions = defaultdict[str, list[int]](list)
        removed: list[Identity] = []
        for number, version, file, position in chosen:
            removed.append((number, version))
            positions[file].append(position)
        added = [(number, version + 1) for number, version in removed[:SWAPPED]]
        sorted_positions = {file: sorted(rows) for file, rows in positions.items()}
        return Change([*added, (OWN + self.number, 0)], removed, sorted_positions)


def _found(handle: TableHandle, head: SnapshotEntry, numbers: list[int]) -> pl.DataFrame:
    """Number, version and place of the rows that are there, in one order."""
    number, version = KEYED.identity
    assert version is not None
    keys = Keys(pl.DataFrame({number: numbers}).unique(), {number: pl.col(number)})
    rows = scan(handle.table, head, [number, version], keys=keys, located=True)
    return rows.select(number, version, FILE, POS).sort(number, version)


def swap(directory: Path, pace: Pace) -> None:
    """Swap rows until the pace ends."""
    settings = Settings(_env_file=Layout(directory / "data").connection_file)
    handle = TableHandle(open_catalog(settings), settings.environment, KEYED.name)
    changes, swaps = Keyed(handle, Ledger(directory, STREAM)), Swaps(seed=1)
    for _ in pace.moments():
        if changes.change(swaps.plan, thinning=None) is not None:
            swaps.number += 1


def main() -> None:
    """Swap until told to end."""
    pace = Pace(lag_s=0.5)
    pace.obey_signals()
    swap(Path(sys.argv[1]), pace)


if __name__ == "__main__":
    main()
