"""Files that a compaction replaced go once no retained snapshot names them, and not before."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from pyiceberg.table.update import RemoveSnapshotsUpdate

from shared.lake.maintenance.deletion import Deleted, StoreDeletion
from shared.lake.maintenance.unreferenced import Unreferenced, UnreferencedReport
from shared.lake.sweeping import SAFE_DELAY_S
from shared.runtime.errors import Refused
from tests.support.derived_lake import DerivedLake, compaction
from tests.support.lake import manifests_named, manifests_on_disk
from tests.support.named_files import missing

ROWS = dict.fromkeys(range(9), 0)


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lake(tmp_path: Path) -> DerivedLake:
    """A table whose first files were compacted away."""
    found = DerivedLake(tmp_path)
    found.build(ROWS)
    found.build({1: 1, 4: 1})
    found.send(compaction(found, found.head))
    return found


def look(lake: DerivedLake, unreferenced: Unreferenced) -> int:
    return unreferenced.look(lake.state, lake.table.io)


def sweep(lake: DerivedLake, unreferenced: Unreferenced) -> UnreferencedReport:
    return unreferenced.sweep(lake.state, lake.table.io, StoreDeletion(lake.table.io))


def thin(lake: DerivedLake, keep: int = 1) -> None:
    """All snapshots go but the newest."""
    ids = [each.snapshot_id for each in lake.state.snapshots[:-keep]]
    lake.update(RemoveSnapshotsUpdate(snapshot_ids=ids))


def files_of(lake: DerivedLake) -> set[Path]:
    return {path for path in lake.files() if path.suffix == ".parquet"}


def on_disk(path: str) -> Path:
    return Path(path.removeprefix("file://"))


def test_after_the_delay_and_a_second_look(lake: DerivedLake, clock: Clock) -> None:
    unreferenced, rows = Unreferenced(clock=clock), lake.rows()
    assert look(lake, unreferenced) == 0
    live = {on_disk(path) for path in (*lake.live().data, *lake.live().deletes)}
    gone = files_of(lake) - live
    sizes = sum(path.stat().st_size for path in gone)
    thin(lake)
    assert look(lake, unreferenced) == len(gone) >= 5
    clock.now += SAFE_DELAY_S - 1
    assert not unreferenced.due()
    assert sweep(lake, unreferenced) == UnreferencedReport()
    clock.now += 1
    assert unreferenced.due()
    report = sweep(lake, unreferenced)
    assert report.data_files + report.delete_files == len(gone)
    assert report.delete_files >= 1
    assert report.bytes == sizes
    assert files_of(lake) == live
    assert lake.rows() == rows
    assert not missing(lake)
    assert not unreferenced.waiting


def test_a_store_that_lets_nothing_be_deleted_is_an_error_and_all_waits(
    lake: DerivedLake, clock: Clock
) -> None:
    class Refuses:
        def delete(self, paths: Iterable[str]) -> Deleted:
            return Deleted(frozenset(), len(list(paths)), "access denied", refused=True)

    unreferenced = Unreferenced(clock=clock)
    look(lake, unreferenced)
    thin(lake)
    waiting = look(lake, unreferenced)
    clock.now += SAFE_DELAY_S
    with pytest.raises(Refused, match="could be deleted: access denied"):
        unreferenced.sweep(lake.state, lake.table.io, Refuses())
    assert unreferenced.waiting == waiting
    report = sweep(lake, unreferenced)
    assert report.data_files + report.delete_files == waiting


def test_what_any_retained_snapshot_names_stays(lake: DerivedLake, clock: Clock) -> None:
    """An operator may roll back to it."""
    unreferenced = Unreferenced(clock=clock)
    look(lake, unreferenced)
    thin(lake, keep=2)
    assert look(lake, unreferenced) == 0
    before = lake.state.snapshots[0]
    lake.roll_back(before.snapshot_id)
    clock.now += 2 * SAFE_DELAY_S
    sweep(lake, unreferenced)
    assert lake.rows() == sorted({**ROWS, 1: 1, 4: 1}.items())
    assert not missing(lake)


def test_files_that_are_named_again_are_left(lake: DerivedLake, clock: Clock) -> None:
    """By whatever means: the second check looks at the table as it is then."""
    unreferenced = Unreferenced(clock=clock)
    state = lake.state
    look(lake, unreferenced)
    thin(lake)
    assert look(lake, unreferenced) > 0
    clock.now += SAFE_DELAY_S
    before = files_of(lake)
    report = unreferenced.sweep(state, lake.table.io, StoreDeletion(lake.table.io))
    assert report == UnreferencedReport()
    assert files_of(lake) == before


def test_files_that_were_never_named_are_no_candidates(lake: DerivedLake, clock: Clock) -> None:
    """Those of an attempt whose outcome is unknown: it may still come to name them."""
    unreferenced = Unreferenced(clock=clock)
    planned = lake.plan({2: 5})
    look(lake, unreferenced)
    thin(lake)
    look(lake, unreferenced)
    clock.now += SAFE_DELAY_S
    sweep(lake, unreferenced)
    lake.send(planned)
    assert dict(lake.rows())[2] == 5
    assert not missing(lake)


def test_another_table_of_the_name_begins_anew(lake: DerivedLake, clock: Clock) -> None:
    unreferenced = Unreferenced(clock=clock)
    look(lake, unreferenced)
    thin(lake)
    look(lake, unreferenced)
    clock.now += SAFE_DELAY_S
    before = files_of(lake)
    table, location = lake.table, lake.table.location()
    lake.drop()
    lake.others.create_table(table.name(), table.schema(), location)
    assert sweep(lake, unreferenced) == UnreferencedReport()
    assert not unreferenced.waiting
    assert {path for path in before if path.exists()} == before


def test_manifests_that_are_swept_already_are_left_to_the_orphan_sweep(
    lake: DerivedLake, clock: Clock
) -> None:
    unreferenced = Unreferenced(clock=clock)
    look(lake, unreferenced)
    thin(lake)
    for name in manifests_on_disk(lake) - manifests_named(lake):
        next(path for path in lake.files() if path.name == name).unlink()
    assert look(lake, unreferenced) == 0


def test_what_waits_is_bounded(lake: DerivedLake, clock: Clock) -> None:
    unreferenced = Unreferenced(clock=clock, max_waiting=2)
    look(lake, unreferenced)
    thin(lake)
    assert look(lake, unreferenced) > 2
    assert unreferenced.waiting == 2
