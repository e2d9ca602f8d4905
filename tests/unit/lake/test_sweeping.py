"""What thinning removed is deleted, after a while, and never what a retained snapshot needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace
from pyiceberg.manifest import read_manifest_list
from pyiceberg.table.update import RemoveSnapshotsUpdate, SetPropertiesUpdate

from shared.lake.commit import commit
from shared.lake.folding import FoldingPolicy, fold
from shared.lake.sweeping import MAX_WAITING, Sweeper
from shared.lake.table_state import SnapshotEntry
from tests.support.derived_lake import DerivedLake
from tests.support.lake import Batch, Lake, manifests_named, manifests_on_disk

DELAY = 600.0


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
def sweeper(clock: Clock) -> Sweeper:
    return Sweeper(DELAY, clock)


def land(lake: Lake, count: int) -> tuple[SnapshotEntry, ...]:
    """So many commits; all snapshots of the table, oldest first."""
    handle = lake.handle()
    begin = len(lake.metadata.snapshots)
    for number in range(begin, begin + count):
        batch = Batch(handle, 10 * number, 10 * number + 10)
        commit(handle, batch.decide, commit_id=f"c{number}", writer="test")
    return lake.state.snapshots


def merge_manifests_at(lake: Lake, count: int) -> None:
    lake.update(SetPropertiesUpdate(updates={"commit.manifest.min-count-to-merge": str(count)}))


@dataclass(frozen=True)
class Named:
    """Manifests and lists that snapshots named before some were removed.

    What no snapshot ever named (a manifest that was merged within its own commit) is not ours.
    """

    lake: Lake
    names: set[str]

    def left(self) -> set[str]:
        """Those that exist although no retained snapshot needs them."""
        return self.names & manifests_on_disk(self.lake) - manifests_named(self.lake)

    def missing(self) -> set[str]:
        """Those that do not exist although a retained snapshot needs them."""
        return manifests_named(self.lake) - manifests_on_disk(self.lake)


def remove(lake: Lake, sweeper: Sweeper, snapshots: Sequence[SnapshotEntry]) -> Named:
    named = Named(lake, manifests_named(lake))
    lake.update(RemoveSnapshotsUpdate(snapshot_ids=[s.snapshot_id for s in snapshots]))
    sweeper.removed(lake.state.table_uuid, snapshots)
    return named


def sweep(lake: Lake, sweeper: Sweeper, limit: int = 500) -> int:
    return sweeper.sweep(lake.state, lake.table.io, limit)


def test_nothing_is_deleted_before_its_time(lake: Lake, sweeper: Sweeper, clock: Clock) -> None:
    remove(lake, sweeper, land(lake, 3)[:2])
    before = lake.files()
    clock.now += DELAY - 1
    assert not sweeper.due()
    assert sweep(lake, sweeper) == 0
    assert lake.files() == before


def test_manifest_lists_of_removed_snapshots_are_deleted_in_time(
    lake: Lake, sweeper: Sweeper, clock: Clock
) -> None:
    named = remove(lake, sweeper, land(lake, 3)[:2])
    clock.now += DELAY
    assert sweeper.due()
    assert sweep(lake, sweeper) == 2
    assert not named.left()
    assert not named.missing()
    assert not sweeper.due()
    assert lake.offsets().total() == 30


def test_a_manifest_that_a_retained_snapshot_names_is_kept(
    lake: Lake, sweeper: Sweeper, clock: Clock
) -> None:
    first, second, _ = land(lake, 3)
    remove(lake, sweeper, [first])
    clock.now += DELAY
    assert sweep(lake, sweeper) == 1
    assert lake.table.scan(snapshot_id=second.snapshot_id).to_arrow().num_rows == 20
    assert lake.offsets().total() == 30


def test_manifests_that_only_removed_snapshots_share_are_deleted_once_each(
    lake: Lake, sweeper: Sweeper, clock: Clock
) -> None:
    """The usual case: several removed snapshots share manifests that were merged since."""
    merge_manifests_at(lake, 4)
    snapshots = land(lake, 8)
    named = remove(lake, sweeper, snapshots[:-1])
    clock.now += DELAY
    expected = len(named.left())
    assert sweep(lake, sweeper) == expected > 7
    assert not named.left()
    assert not named.missing()
    assert lake.offsets().total() == 80


def test_what_one_sweep_deleted_does_not_stop_the_next(
    lake: Lake, sweeper: Sweeper, clock: Clock
) -> None:
    merge_manifests_at(lake, 4)
    snapshots = land(lake, 8)
    named = remove(lake, sweeper, snapshots[:-1])
    clock.now += DELAY
    while sweeper.due():
        sweep(lake, sweeper, limit=1)
    assert not named.left()
    assert not named.missing()


def test_the_delay_holds_for_every_snapshot_that_named_a_manifest(
    lake: Lake, sweeper: Sweeper, clock: Clock
) -> None:
    merge_manifests_at(lake, 4)
    snapshots = land(lake, 8)
    named = remove(lake, sweeper, snapshots[:1])
    clock.now += 10
    remove(lake, sweeper, snapshots[1:-1])
    clock.now += DELAY - 10
    assert sweep(lake, sweeper) == 1  # its manifest list; its manifest is shared
    table = lake.table
    for snapshot in snapshots[1:-1]:
        for manifest in read_manifest_list(table.io.new_input(snapshot.manifest_list)):
            assert manifest.fetch_manifest_entry(table.io)
    clock.now += 10
    sweep(lake, sweeper)
    assert not named.left()
    assert not named.missing()


def test_while_the_store_is_away_nothing_is_forgotten(
    lake: Lake, sweeper: Sweeper, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(lake, sweeper, land(lake, 3)[:2])
    clock.now += DELAY
    table = lake.table

    def away(location: str) -> None:
        raise OSError("injected: no answer")

    with monkeypatch.context() as patch:
        patch.setattr(table.io, "new_input", away)
        with pytest.raises(OSError, match="no answer"):
            sweeper.sweep(lake.state, table.io)
    assert sweeper.due()
    assert sweep(lake, sweeper) == 2


def test_data_files_are_never_deleted(lake: Lake, sweeper: Sweeper, clock: Clock) -> None:
    merge_manifests_at(lake, 2)
    snapshots = land(lake, 5)
    data = {path for path in lake.files() if path.suffix == ".parquet"}
    remove(lake, sweeper, snapshots[:-1])
    clock.now += DELAY
    sweep(lake, sweeper)
    assert {path for path in lake.files() if path.suffix == ".parquet"} == data


def test_after_a_rollback_what_the_older_head_needs_is_kept(
    lake: Lake, sweeper: Sweeper, clock: Clock
) -> None:
    """Younger snapshots are removed, the head is older than they are and shares with them."""
    merge_manifests_at(lake, 4)
    snapshots = land(lake, 6)
    lake.roll_back(snapshots[2].snapshot_id)
    named = remove(lake, sweeper, [*snapshots[:2], *snapshots[3:]])
    clock.now += DELAY
    sweep(lake, sweeper)
    assert not named.left()
    assert not named.missing()
    assert lake.offsets().total() == 30
    handle = lake.handle()
    commit(handle, Batch(handle, 30, 40).decide, commit_id="on", writer="test")
    assert lake.offsets().total() == 40


def test_a_snapshot_that_is_there_all_the_same_is_left_alone(
    lake: Lake, sweeper: Sweeper, clock: Clock
) -> None:
    snapshots = land(lake, 3)
    sweeper.removed(lake.state.table_uuid, snapshots[:2])
    clock.now += DELAY
    before = lake.files()
    assert sweep(lake, sweeper) == 0
    assert lake.files() == before


def test_nothing_is_deleted_of_a_table_whose_name_another_has_now(
    lake: Lake, sweeper: Sweeper, clock: Clock
) -> None:
    """Renamed, it may still retain what was removed here long ago by way of another snapshot."""
    remove(lake, sweeper, land(lake, 3)[:2])
    clock.now += DELAY
    before = lake.files()
    other = replace(lake.state, table_uuid="another", snapshots=())
    assert sweeper.sweep(other, lake.table.io) == 0
    assert lake.files() == before
    assert not sweeper.due()


def test_what_somebody_else_deleted_does_not_stop_the_rest(
    lake: Lake, sweeper: Sweeper, clock: Clock
) -> None:
    snapshots = land(lake, 5)
    named = remove(lake, sweeper, snapshots[:4])
    lake.table.io.delete(snapshots[1].manifest_list)
    clock.now += DELAY
    assert sweep(lake, sweeper) == 3
    assert not named.left()
    assert not named.missing()


def test_one_call_handles_a_bounded_number(lake: Lake, sweeper: Sweeper, clock: Clock) -> None:
    remove(lake, sweeper, land(lake, 6)[:5])
    clock.now += DELAY
    assert [sweep(lake, sweeper, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_what_waits_is_bounded(lake: Lake, sweeper: Sweeper, clock: Clock) -> None:
    first, last = land(lake, 2)
    sweeper.removed(lake.state.table_uuid, [first])
    sweeper.removed(
        lake.state.table_uuid, [replace(last, snapshot_id=n) for n in range(MAX_WAITING)]
    )
    assert sweeper.waiting == MAX_WAITING


def test_manifests_of_deletes_go_as_those_of_data_and_no_file_does(
    tmp_path: Path, sweeper: Sweeper, clock: Clock
) -> None:
    lake = DerivedLake(tmp_path)
    lake.build(dict.fromkeys(range(9), 0))
    for number in range(1, 5):
        lake.build({0: number})
    folded = fold(
        lake.handle(),
        lake.spec,
        commit_id="fold",
        writer="test",
        policy=FoldingPolicy(delete_commits=1),
    )
    assert folded is not None
    data = {path for path in lake.files() if path.suffix == ".parquet"}
    named = remove(lake, sweeper, lake.state.snapshots[:-1])
    clock.now += DELAY
    assert sweep(lake, sweeper) > 0
    assert named.left() == named.missing() == set()
    assert {path for path in lake.files() if path.suffix == ".parquet"} == data
    assert lake.rows() == sorted({**dict.fromkeys(range(9), 0), 0: 4}.items())
