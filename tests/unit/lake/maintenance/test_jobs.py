"""Every job of a table behind one call: what it did, in the words that events use."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from shared.contracts.identity import uuid7
from shared.lake.commit import commit
from shared.lake.maintenance import retention
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.jobs import Asked, Maintained, planned
from shared.lake.maintenance.thresholds import MaintenancePolicy
from shared.lake.reader import LakeReader
from shared.runtime.errors import CheckFailed, NotFound
from shared.runtime.settings import Settings
from shared.tables.spec import TableSpec
from tests.support.lake import LOG, Batch, Lake

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
FORCED = Asked(force=True)


class Reader:
    """Hands out the one table that there is."""

    def __init__(self, lake: Lake) -> None:
        self.settings = Settings()
        self._lake = lake

    def handle(self, name: str) -> Any:
        if name != LOG.name:
            raise NotFound(f"no table {name}")
        return self._lake.handle()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A table of four commits of ten rows each."""
    made = Lake(tmp_path)
    for start in range(0, 40, 10):
        handle = made.handle()
        batch = Batch(handle, start, start + 10)
        commit(handle, batch.decide, commit_id=uuid7(), writer="test")
    return made


def maintained(lake: Lake, spec: TableSpec = LOG) -> Maintained:
    policy = MaintenancePolicy(hot_s=0)
    return Maintained(cast("LakeReader", Reader(lake)), spec, policy, "maintainer")


def test_a_look_tells_how_a_table_stands_and_what_is_due(lake: Lake) -> None:
    found = maintained(lake).look()
    assert (found.shape.files, len(found.state.snapshots)) == (4, 4)
    assert not any(each.due for each in found.proposals), "four files are not many"
    told = planned(LOG.name, found, NOON)
    assert (told.data_files, told.small_files, told.snapshots) == (4, 4, 4)


def test_a_forced_compaction_tells_of_files_before_and_after(lake: Lake) -> None:
    rows = lake.offsets()
    done = maintained(lake).run("compact", FORCED)
    assert done.status is Status.SUCCESS
    assert (done.files_replaced, done.files_written, done.rows_moved) == (4, 1, 40)
    assert (done.before.data_files, done.after.data_files) == (4, 1)
    assert (done.before.snapshots, done.after.snapshots) == (4, 5)
    assert done.snapshot_id == lake.state.current_snapshot_id
    assert lake.offsets() == rows


def test_a_dry_run_tells_the_same_and_changes_nothing(lake: Lake) -> None:
    before, files = lake.state, lake.files()
    done = maintained(lake).run("compact", FORCED, dry_run=True)
    assert done.status is Status.DRY_RUN
    assert done.files_replaced == 4
    assert done.snapshot_id is None
    assert (lake.state, lake.files()) == (before, files)


def test_expiry_tells_of_snapshots_and_of_what_it_took_off_the_store(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SAFE_DELAY_S", 0.0)
    table = maintained(lake)
    table.run("compact", FORCED)
    rows, files = lake.offsets(), len(lake.files())
    done = table.run("expire", Asked(retention_days=0, retain_last=1))
    assert done.status is Status.SUCCESS
    assert done.after.snapshots is not None
    assert done.before.snapshots == 5
    assert done.after.snapshots < 5
    assert done.files_deleted == 4
    assert done.bytes_freed > 0
    assert len(lake.files()) < files
    assert lake.offsets() == rows


def test_an_operators_word_on_retention_goes_before_the_policy(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SAFE_DELAY_S", 0.0)
    done = maintained(lake).run("expire")
    assert done.status is Status.SKIPPED, "all are younger than seven days"
    assert done.reason
    kept = maintained(lake).run("expire", Asked(retention_days=0, retain_last=3), dry_run=True)
    assert (kept.before.snapshots, kept.after.snapshots) == (4, 3)


def test_a_lost_file_is_a_failure_that_says_so(lake: Lake) -> None:
    [*_, lost] = [path for path in lake.files() if path.suffix == ".parquet"]
    lost.unlink()
    with pytest.raises(CheckFailed, match=r"raw\.log names a file that is not in the store"):
        maintained(lake).run("compact", FORCED)
