"""A head of another engine gets on top what the table says of itself, where that is true."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update import RemoveSnapshotsUpdate

from shared.lake.commit import commit
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.restamp import restamp
from shared.lake.provenance import traced
from shared.lake.recorded import recorded
from tests.support.derived_lake import DerivedLake, origin
from tests.support.foreign_snapshots import snapshot
from tests.support.lake import Batch, Lake


@pytest.fixture
def landing(tmp_path: Path) -> Lake:
    """Ten records."""
    lake = Lake(tmp_path)
    handle = lake.handle()
    commit(handle, Batch(handle, 0, 10).decide, commit_id="first", writer="test")
    return lake


@pytest.fixture
def derived(tmp_path: Path) -> DerivedLake:
    lake = DerivedLake(tmp_path)
    lake.build(dict.fromkeys(range(9), 0))
    return lake


def only_the_head_is_left(lake: Lake) -> None:
    """What another engine's expiry does, which knows nothing of us."""
    state = lake.state
    gone = [s.snapshot_id for s in state.snapshots if s.snapshot_id != state.current_snapshot_id]
    lake.update(RemoveSnapshotsUpdate(snapshot_ids=gone))


def test_positions_hold_whatever_others_did_to_rows(landing: Lake) -> None:
    positions = landing.positions
    landing.foreign_delete("_offset = 3")
    landing.foreign_append()
    offsets = landing.offsets()
    report = restamp(landing.handle(), landing.spec, writer="test")
    assert (report.status, report.foreign) == (Status.SUCCESS, 2)
    assert report.snapshot_id == landing.head.snapshot_id
    assert recorded(landing.state).foreign == 0
    only_the_head_is_left(landing)
    assert landing.positions == positions
    assert landing.offsets() == offsets


def test_what_a_table_is_built_from_holds_where_others_only_moved_rows(
    derived: DerivedLake,
) -> None:
    rows = derived.rows()
    snapshot(derived.table, operation=Operation.REPLACE, merge=True)
    report = restamp(derived.handle(), derived.spec, writer="test")
    assert report.status is Status.SUCCESS
    only_the_head_is_left(derived)
    assert traced(derived.state).provenance == origin(1)
    assert derived.rows() == rows


def test_where_others_changed_rows_the_planner_must_see_it(derived: DerivedLake) -> None:
    head = derived.foreign_delete("id = 1")
    report = restamp(derived.handle(), derived.spec, writer="test")
    assert report.status is Status.SKIPPED
    assert "built anew" in report.reason
    assert derived.head == head


def test_a_head_of_ours_needs_nothing(landing: Lake) -> None:
    head = landing.head
    report = restamp(landing.handle(), landing.spec, writer="test")
    assert (report.status, report.foreign) == (Status.SKIPPED, 0)
    assert landing.head == head


def test_where_nothing_is_to_be_found_nothing_is_claimed(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    head = lake.foreign_append()
    report = restamp(lake.handle(), lake.spec, writer="test")
    assert report.status is Status.SKIPPED
    assert "nothing says" in report.reason
    assert lake.head == head


def test_a_dry_run_commits_nothing(landing: Lake) -> None:
    head = landing.foreign_append()
    assert restamp(landing.handle(), landing.spec, writer="t", dry_run=True).foreign == 1
    assert landing.head == head
