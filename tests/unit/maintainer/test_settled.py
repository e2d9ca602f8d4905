"""That a table rightly has many files is told once, and again when it is news or long ago."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from services.maintainer.settled import MANY, REPEATED_S, Settled
from shared.contracts.maintenance import Figures, JobName, MaintenanceSucceeded
from shared.lake.maintenance.looking import Looked
from shared.lake.maintenance.shape import FileShape, PartitionShape, TableShape
from shared.lake.table_state import TableState
from shared.runtime.errors import Refused

TABLE = "raw.shopify_orders"


def look(files: int, *, each: int = 1, refused: bool = False) -> Looked:
    """A look at a table with so many files, so many in each partition."""
    refusal = Refused("deletes that cannot be read here") if refused else None
    shape = TableShape(
        TABLE,
        1,
        tuple(
            PartitionShape(0, f"day={day}", False, (FileShape("a", 9, 1),) * each, refusal=refusal)
            for day in range(files // each)
        ),
    )
    state = cast("TableState", SimpleNamespace(snapshots=(1, 2)))
    return Looked(state, shape, proposals=(), unreferenced=False, small_bytes=1)


class Maintainer:
    """One that tells what it should, on a clock of the test."""

    def __init__(self) -> None:
        self.now = 0.0
        self.settled = Settled("maintainer/1", lambda: self.now)

    def told(self, looked: Looked, *due: JobName) -> MaintenanceSucceeded | None:
        event = self.settled.looked(TABLE, looked, due)
        if event is not None:
            self.settled.told(event)
        return event

    def compacted(self, left: int | None) -> None:
        event = self.told(look(1000))
        assert event is not None
        after = Figures(data_files=left)
        self.settled.told(event.model_copy(update={"status": "succeeded", "after": after}))


def test_many_files_that_are_right_are_told_with_their_number() -> None:
    event = Maintainer().told(look(150))
    assert event is not None
    assert (event.table, event.job, event.status) == (TABLE, "compact", "skipped")
    assert (event.cause, event.attempt) == ("policy", 1)
    assert event.before == event.after == Figures(data_files=150, live_bytes=1350, snapshots=2)
    assert event.reason == "none of 150 files in 150 partitions has to be written anew"


@pytest.mark.parametrize(
    ("looked", "due"),
    [
        (look(MANY - 1), ()),
        (look(150, each=150), ("compact",)),
        (look(150, refused=True), ()),
    ],
    ids=["few", "to be compacted", "not readable here"],
)
def test_nothing_is_told_of_few_files_or_of_such_as_are_not_right(
    looked: Looked, due: tuple[JobName, ...]
) -> None:
    assert Maintainer().told(looked, *due) is None


def test_it_is_told_again_after_half_a_day_or_when_the_number_is_another() -> None:
    maintainer = Maintainer()
    assert maintainer.told(look(150), "expire")
    assert maintainer.told(look(150 + MANY - 1)) is None
    assert maintainer.told(look(150 + MANY))
    assert maintainer.told(look(150))
    maintainer.now = REPEATED_S - 1
    assert maintainer.told(look(150)) is None
    maintainer.now = REPEATED_S
    assert maintainer.told(look(150))


def test_a_compaction_tells_by_itself_how_many_it_left() -> None:
    maintainer = Maintainer()
    maintainer.compacted(left=120)
    assert maintainer.told(look(130)) is None
    assert maintainer.told(look(170)), "its files would seem to have piled up"
    maintainer.compacted(left=None)
    assert maintainer.told(look(170))


def test_a_table_that_was_anothers_meanwhile_is_told_of_anew() -> None:
    maintainer = Maintainer()
    assert maintainer.told(look(150))
    maintainer.settled.keep(["raw.stripe_charges"])
    assert maintainer.told(look(150))
