"""Every job of a table behind one call: what it did, in the words that events use."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from shared.contracts.identity import uuid7
from shared.lake.catalog import load
from shared.lake.commit import commit
from shared.lake.handle import TableHandle
from shared.lake.maintenance import counted_deletion, looking, retention
from shared.lake.maintenance.asked import Asked, Kept
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.counted_deletion import Undeleted
from shared.lake.maintenance.deletion import Deleted
from shared.lake.maintenance.looking import planned
from shared.lake.maintenance.maintained import Maintained
from shared.lake.maintenance.policy import Job
from shared.lake.maintenance.shape import shape_of
from shared.lake.maintenance.thresholds import MaintenancePolicy
from shared.lake.reader import LakeReader
from shared.lake.table_state import TableState
from shared.runtime.errors import CheckFailed, NotFound, Refused, Unavailable
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
        land(made, start)
    return made


def land(lake: Lake, start: int) -> None:
    """Ten rows more."""
    handle = lake.handle()
    commit(handle, Batch(handle, start, start + 10).decide, commit_id=uuid7(), writer="test")


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
    land(lake, 40)
    rows, files = lake.offsets(), len(lake.files())
    done = table.run("expire", Asked(retention_days=0, retain_last=1))
    assert done.status is Status.SUCCESS
    assert done.after.snapshots is not None
    assert done.before.snapshots == 6
    assert done.after.snapshots < 6
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


def test_a_look_foretells_the_expiry_that_comes(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SAFE_DELAY_S", 0.0)
    policy = MaintenancePolicy(retention_days=0, retain_last=1)
    table = Maintained(cast("LakeReader", Reader(lake)), LOG, policy, "maintainer")

    def kept(state: TableState) -> Kept:
        """Not announced are the two newest."""
        return Kept(announced=state.last_sequence_number - 2)

    [told] = [each for each in table.look(kept).proposals if each.job is Job.EXPIRE]
    assert (told.due, told.reason.partition(" were")[0]) == (True, "2 of 4 snapshots")
    done = table.run("expire", kept=kept, dry_run=True)
    assert (done.before.snapshots, done.after.snapshots) == (4, 2)


def test_a_lost_file_is_a_failure_that_says_so(lake: Lake) -> None:
    [*_, lost] = [path for path in lake.files() if path.suffix == ".parquet"]
    lost.unlink()
    with pytest.raises(CheckFailed, match=r"raw\.log names a file that is not in the store"):
        maintained(lake).run("compact", FORCED)


class Refusing:
    """A store that deletes nothing whose path ends so."""

    def __init__(self, *, suffix: str = "") -> None:
        self._suffix = suffix

    def delete(self, paths: Iterable[str]) -> Deleted:
        found = set(paths)
        left = {path for path in found if path.endswith(self._suffix)}
        return Deleted(frozenset(found - left), len(left), "403" if left else "")


def test_deletions_that_all_failed_are_a_failure(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = next(path for path in lake.files() if path.suffix == ".parquet").with_name("o.parquet")
    orphan.write_bytes(b"nobody names this")
    os.utime(orphan, (1, 1))
    monkeypatch.setattr(counted_deletion, "deletion_of", lambda _: Refusing())
    now = Asked(older_than_ms=int(time.time() * 1000), allow_young=True)
    with pytest.raises(Undeleted, match="none of 1 files could be deleted: 403") as raised:
        maintained(lake).run("orphans", now)
    assert raised.value.files == 1
    assert raised.value.exit_code == 6
    assert not raised.value.retriable, "expiry would find nothing to do the next time"
    assert orphan.exists()


def test_expiry_that_could_delete_nothing_is_not_tried_again_and_then_fine(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SAFE_DELAY_S", 0.0)
    monkeypatch.setattr(counted_deletion, "deletion_of", lambda _: Refusing())
    table = maintained(lake)
    with pytest.raises(Undeleted) as raised:
        table.run("expire", Asked(retention_days=0, retain_last=1))
    assert raised.value.files > 0
    assert not raised.value.retriable


def test_deletions_that_failed_in_part_are_counted(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SAFE_DELAY_S", 0.0)
    monkeypatch.setattr(counted_deletion, "deletion_of", lambda _: Refusing(suffix=".parquet"))
    table = maintained(lake)
    table.run("compact", FORCED)
    land(lake, 40)
    done = table.run("expire", Asked(retention_days=0, retain_last=1))
    assert done.status is Status.SUCCESS
    assert (done.files_deleted, done.errors) == (0, 4)
    assert done.metadata_deleted > 0
    assert "4 files could not be deleted" in done.reason


def test_orphans_older_than_the_future_are_refused_whatever_is_allowed(lake: Lake) -> None:
    future = Asked(older_than_ms=int(time.time() * 1000) + 3_600_000, allow_young=True)
    files = lake.files()
    for dry_run in (True, False):
        with pytest.raises(Refused, match="in the future"):
            maintained(lake).run("orphans", future, dry_run=dry_run)
    assert lake.files() == files


def test_a_compaction_that_is_told_to_stop_says_that_it_was_cut_short(lake: Lake) -> None:
    cut = maintained(lake).run("compact", FORCED, stop=lambda: True)
    assert cut.interrupted
    assert cut.files_replaced == 0
    whole = maintained(lake).run("compact", FORCED)
    assert not whole.interrupted
    assert whole.files_replaced == 4


def test_a_look_that_the_store_refused_loads_the_table_anew(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def state_alone(handle: TableHandle) -> TableState:
        """As a REST catalog is asked: an answer about the state brings no new way to the store."""
        found = load(handle.catalog, handle.environment, handle.name)
        return TableState.of(found.metadata, found.metadata_location)

    monkeypatch.setattr(TableHandle, "reload", state_alone)
    table = maintained(lake)
    table.look()
    yesterday = table._handle.table
    refused: list[object] = []

    def shape(found: object, *arguments: Any) -> Any:
        if found is yesterday:
            refused.append(found)
            raise OSError("AWS Error ACCESS_DENIED: the token has expired")
        return shape_of(found, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(looking, "shape_of", shape)
    with pytest.raises(Unavailable):
        table.look()
    assert table.look().shape.files == 4, "with the credentials that came anew"
    assert len(refused) == 1
