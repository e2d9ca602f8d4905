"""``python -m tests.soak.builder DIRECTORY``: changes the keyed table, two commits a second.

By turns new rows come, and rows are swapped: some get another version, some go, a new one comes, as
position deletes beside the old files and appended rows, in one commit. Where they stand is looked
up on a head that a compaction may replace before the commit comes to it. There is one builder, as
the transformer has one of each table: two would throw away each other's work.

Deletes are not folded in here, as a build would: that is due at twenty commits with deletes, which
this maintainer never lets come together.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import defaultdict
from pathlib import Path

import polars as pl

from shared.lake.commit import Outcome, Thinning
from shared.lake.handle import TableHandle
from shared.lake.reading.scan import FILE, POS, Keys, scan
from shared.lake.table_state import SnapshotEntry
from tests.soak.committing import Change, Keyed
from tests.soak.ledger import Ledger
from tests.soak.owning import Act, own
from tests.soak.pace import Pace
from tests.soak.rows import KEYED, Identity

APPENDS, SWAPS = "keyed-append", "keyed-swap"
ROWS = 8
TRIED, SWAPPED, ENDED = 60, 6, 2
"""Numbers looked for, of which some are gone; rows that get another version; rows that go."""
OWN = 1_000_000_000
"""From here on are the numbers of rows that come with a swap."""


def appended(handle: TableHandle, head: SnapshotEntry | None, complete: int) -> Change:
    """The next new rows."""
    return Change([(complete + number, 0) for number in range(ROWS)], read=ROWS)


class Swapping:
    """Plans swaps; each is another one, and the same again when it is planned again."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.number = 0

    def plan(self, handle: TableHandle, head: SnapshotEntry | None, complete: int) -> Change | None:
        """Rows of the head, chosen by chance; nothing while it has too few."""
        if head is None or not complete:
            return None
        chance = random.Random(f"{self._seed}/{self.number}")
        wanted = [chance.randrange(complete) for _ in range(TRIED)]
        wanted += [OWN + chance.randrange(self.number) for _ in range(5 if self.number else 0)]
        found = _found(handle, head, wanted)
        if found.height < SWAPPED + ENDED:
            return None
        positions = defaultdict[str, list[int]](list)
        removed: list[Identity] = []
        for number, version, file, position in chance.sample(found.rows(), SWAPPED + ENDED):
            removed.append((number, version))
            positions[file].append(position)
        added = [(number, version + 1) for number, version in removed[:SWAPPED]]
        ordered = {file: sorted(rows) for file, rows in positions.items()}
        return Change([*added, (OWN + self.number, 0)], removed, ordered)


def _found(handle: TableHandle, head: SnapshotEntry, numbers: list[int]) -> pl.DataFrame:
    """Number, version and place of the rows that are there, in one order."""
    number, version = KEYED.identity
    assert version is not None
    keys = Keys(pl.DataFrame({number: numbers}).unique(), {number: pl.col(number)})
    rows = scan(handle.table, head, [number, version], keys=keys, located=True)
    return rows.select(number, version, FILE, POS).sort(number, version)


def main() -> None:
    """Append and swap until told to end."""
    directory, pace = Path(sys.argv[1]), Pace(period_s=0.5)
    pace.obey_signals()

    def acting(handle: TableHandle) -> Act:
        appends = Keyed(handle, Ledger(directory, APPENDS))
        swaps, swapping = Keyed(handle, Ledger(directory, SWAPS)), Swapping(seed=1)

        def act(number: int, thinning: Thinning) -> Outcome | None:
            if number % 2 == 0:
                return appends.change(appended, thinning)
            outcome = swaps.change(swapping.plan, thinning)
            swapping.number += outcome is not None
            return outcome

        return act

    asyncio.run(own(directory, pace, KEYED.name, acting))


if __name__ == "__main__":
    main()
