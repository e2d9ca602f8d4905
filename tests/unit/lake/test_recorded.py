"""Where a table's positions are found when others have written to it, or its history is thin."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from pyiceberg.table.update import RemovePropertiesUpdate, RemoveSnapshotsUpdate

from shared.lake.commit import commit
from shared.lake.positions import MIRROR_PROPERTY, Positions
from shared.lake.recorded import Recorded, ancestors, recorded
from shared.lake.table_state import TableState
from tests.support.lake import TOPIC, Batch, Lake


@pytest.fixture
def landed(lake: Lake) -> Lake:
    """Three snapshots of ours, at offsets 10, 20 and 30."""
    handle = lake.handle()
    for number in range(3):
        batch = Batch(handle, 10 * number, 10 * number + 10)
        commit(handle, batch.decide, commit_id=f"c{number}", writer="test")
    return lake


def ids(lake: Lake) -> list[int]:
    return [snapshot.snapshot_id for snapshot in lake.metadata.snapshots]


def at(found: Recorded) -> int | None:
    assert found.positions is not None
    return found.positions.next_offset(TOPIC, 0)


def without_parents(state: TableState) -> TableState:
    """As catalogs leave it that forget the parents of removed snapshots."""
    snapshots = tuple(
        snapshot
        if snapshot.parent_snapshot_id in state.by_id
        else replace(snapshot, parent_snapshot_id=None)
        for snapshot in state.snapshots
    )
    return replace(state, snapshots=snapshots)


def test_a_table_without_snapshots_has_consumed_nothing(lake: Lake) -> None:
    assert recorded(lake.state) == Recorded(Positions())


def test_the_head_carries_them(landed: Lake) -> None:
    found = recorded(landed.state)
    assert (at(found), found.snapshot_id, found.foreign) == (30, ids(landed)[-1], 0)


def test_a_foreign_delete_on_top_leaves_them_as_they_were(landed: Lake) -> None:
    landed.foreign_delete("_offset < 5")
    found = recorded(landed.state)
    assert (at(found), found.snapshot_id) == (30, ids(landed)[2])
    assert found.foreign >= 1


def test_a_chain_of_foreign_heads_is_walked(landed: Lake) -> None:
    for offset in range(4):
        landed.foreign_append(offset=offset)
    found = recorded(landed.state)
    assert (at(found), found.foreign) == (30, 4)


def test_our_next_commit_carries_them_on(landed: Lake) -> None:
    landed.foreign_delete("_offset < 5")
    handle = landed.handle()
    commit(handle, Batch(handle, 30, 40).decide, commit_id="next", writer="test")
    found = recorded(landed.state)
    assert (at(found), found.snapshot_id, found.foreign) == (40, landed.head.snapshot_id, 0)


@pytest.mark.parametrize("back", [1, 2])
def test_a_rollback_takes_them_back(landed: Lake, back: int) -> None:
    landed.roll_back(ids(landed)[-1 - back])
    assert at(recorded(landed.state)) == 30 - 10 * back


def test_the_mirror_holds_for_a_parent_that_was_thinned_away(landed: Lake) -> None:
    ours = ids(landed)[-1]
    landed.foreign_append()
    landed.update(RemoveSnapshotsUpdate(snapshot_ids=[ours]))
    assert landed.head.parent_snapshot_id == ours
    found = recorded(landed.state)
    assert (at(found), found.snapshot_id, found.foreign) == (30, ours, 1)


def test_the_mirror_holds_below_several_foreign_heads(landed: Lake) -> None:
    ours = ids(landed)[-1]
    landed.foreign_append(offset=0)
    landed.foreign_append(offset=1)
    landed.update(RemoveSnapshotsUpdate(snapshot_ids=[ours]))
    assert at(recorded(landed.state)) == 30


def test_the_mirror_of_another_snapshot_is_not_trusted(landed: Lake) -> None:
    """The head was rolled back to a foreign one whose parent, an older one of ours, is gone."""
    handle = landed.handle()
    ours = ids(landed)[-1]
    foreign = landed.foreign_append().snapshot_id
    commit(handle, Batch(handle, 30, 40).decide, commit_id="next", writer="test")
    landed.roll_back(foreign)
    landed.update(RemoveSnapshotsUpdate(snapshot_ids=[ours]))
    assert recorded(landed.state).positions is None


def test_without_the_mirror_a_missing_parent_means_that_they_are_lost(landed: Lake) -> None:
    ours = ids(landed)[-1]
    landed.foreign_append()
    landed.update(
        RemoveSnapshotsUpdate(snapshot_ids=[ours]),
        RemovePropertiesUpdate(removals=[MIRROR_PROPERTY]),
    )
    assert recorded(landed.state).positions is None


def test_a_catalog_that_forgets_parents_makes_them_lost_not_wrong(landed: Lake) -> None:
    ours = ids(landed)[-1]
    landed.foreign_append()
    landed.update(RemoveSnapshotsUpdate(snapshot_ids=[ours]))
    assert recorded(without_parents(landed.state)) == Recorded(None, None, 1)


def test_only_foreign_snapshots_means_that_they_are_lost(lake: Lake) -> None:
    lake.foreign_append()
    lake.foreign_append(offset=1)
    assert recorded(lake.state) == Recorded(None, None, 2)


def test_a_mirror_without_a_head_means_that_history_was_taken_away(landed: Lake) -> None:
    landed.remove_main()
    assert landed.metadata.current_snapshot() is None
    assert recorded(landed.state).positions is None


def test_ancestors_end_where_history_was_thinned(landed: Lake) -> None:
    first, second, third = ids(landed)
    assert [s.snapshot_id for s in ancestors(landed.state)] == [third, second, first]
    landed.update(RemoveSnapshotsUpdate(snapshot_ids=[second]))
    assert [s.snapshot_id for s in ancestors(landed.state)] == [third]


def test_an_empty_table_has_no_ancestors(lake: Lake) -> None:
    assert list(ancestors(lake.state)) == []
