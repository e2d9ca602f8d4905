"""Old snapshots go with the files that only they name, and nothing else goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pyiceberg.table.refs import SnapshotRefType

from shared.lake.commit import Delta, Head
from shared.lake.handle import TableHandle
from shared.lake.maintenance.asked import Kept
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.deletion import Deleted, FileDeletion, StoreDeletion
from shared.lake.maintenance.expiry import ExpiryReport, expire
from shared.lake.maintenance.orphans import remove_orphans
from shared.lake.maintenance.policy import MaintenancePolicy, expiring
from shared.lake.table_state import TableState
from shared.lake.thinning import hour_tag
from shared.runtime.errors import Refused, Unavailable
from tests.support.derived_lake import DerivedLake, compaction, origin
from tests.support.faulty_catalog import Fault, after, conflict, late, lost_request, lost_response
from tests.support.lake import PLAIN, reference
from tests.support.named_files import missing, named, unnamed

DAY = 86_400_000
HOUR = 3_600_000
ROWS = dict.fromkeys(range(9), 0)


@pytest.fixture
def lake(tmp_path: Path) -> DerivedLake:
    """Changes, a compaction, and changes on top."""
    found = DerivedLake(tmp_path)
    found.build(ROWS)
    for number in range(2):
        found.build({number: number + 1})
    found.send(compaction(found, found.head))
    found.build({5: 7})
    return found


def later(ms: int) -> int:
    return int(time.time() * 1000) + ms


def expired(
    lake: DerivedLake,
    *,
    days: float = 7,
    last: int = 1,
    now_ms: int | None = None,
    files: FileDeletion | None = None,
    **options: Any,
) -> ExpiryReport:
    return expire(
        options.pop("handle", None) or lake.handle(),
        lake.spec,
        MaintenancePolicy(retention_days=days, retain_last=last),
        writer="test",
        now_ms=later(8 * DAY) if now_ms is None else now_ms,
        files=files or StoreDeletion(lake.table.io),
        **options,
    )


def swept(lake: DerivedLake) -> int:
    """Sweep orphans of any age; how many there were."""
    report = remove_orphans(
        lake.handle(), lake.spec, older_than_ms=later(DAY), now_ms=later(0), allow_young=True
    )
    return report.removed


def sizes(paths: Iterable[Path]) -> dict[Path, int]:
    return {path: path.stat().st_size for path in paths}


def test_what_only_expired_snapshots_name_is_deleted(lake: DerivedLake) -> None:
    swept(lake)  # metadata files before the logged ones
    before, rows = sizes(named(lake)), lake.rows()
    kept = lake.head
    report = expired(lake)
    assert report.status is Status.SUCCESS
    assert (report.snapshots_before, report.snapshots_expired, report.snapshots_after) == (5, 4, 2)
    assert {each.snapshot_id for each in lake.state.snapshots} == {
        kept.snapshot_id,
        lake.head.snapshot_id,
    }
    gone = {path: size for path, size in before.items() if not path.exists()}
    avro = {path for path in gone if path.suffix == ".avro"}
    assert report.manifests_deleted == len(avro) > 4
    assert report.data_files_deleted + report.delete_files_deleted == len(gone) - len(avro)
    assert report.data_files_deleted >= 3
    assert report.delete_files_deleted >= 2
    assert report.bytes_freed == sum(gone.values())
    assert lake.rows() == rows
    assert not missing(lake)
    assert not {path for path in unnamed(lake) if path.suffix != ".json"}


def test_a_dry_run_tells_exactly_what_goes(lake: DerivedLake) -> None:
    before, state = lake.files(), lake.state
    told = expired(lake, dry_run=True)
    assert told.status is Status.DRY_RUN
    assert (lake.files(), lake.state) == (before, state)
    done = expired(lake)
    fields = ("data_files_deleted", "delete_files_deleted", "manifests_deleted", "bytes_freed")
    assert [getattr(told, f) for f in fields] == [getattr(done, f) for f in fields]
    assert told.expired == done.expired


@pytest.mark.parametrize("pinned", [False, True], ids=["free", "a reader's"])
@pytest.mark.parametrize("quiet_days", [0, 6, 7, 8, 16])
@pytest.mark.parametrize("last", [1, 2, 3])
def test_a_plan_foretells_what_the_job_does(
    lake: DerivedLake, last: int, quiet_days: int, pinned: bool
) -> None:
    """After a time of quiet commits are old that were superseded only now."""
    held = {lake.head.snapshot_id} if pinned else set()
    writer = much_later(lake)
    for version in range(2):
        lake.send(lake.plan({1: version}), writer)
    now_ms = later(9 * DAY + quiet_days * DAY + HOUR)
    told = expiring(
        lake.state,
        MaintenancePolicy(retention_days=7, retain_last=last),
        now_ms,
        Kept(held, announced=4),
    )
    done = expired(lake, last=last, now_ms=now_ms, pinned=held, announced=4)
    assert told == done.snapshots_expired


def test_the_newest_stay_whatever_their_age(lake: DerivedLake) -> None:
    ids = [each.snapshot_id for each in lake.state.snapshots]
    report = expired(lake, last=3)
    assert list(report.expired) == [ids[0], ids[3]]  # a compaction is no version


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"last": 5, "now_ms": later(0)}, "newest 5 stay"),
        ({"now_ms": later(6 * DAY)}, "no snapshot older than 7 days"),
        ({"days": 0, "now_ms": later(0)}, "no snapshot older than 0 days"),
    ],
    ids=["few", "young", "a scan may still be planned"],
)
def test_nothing_to_do_is_said(lake: DerivedLake, options: Any, reason: str) -> None:
    before = lake.files()
    report = expired(lake, **options)
    assert report.status is Status.SKIPPED
    assert reason in report.reason
    assert lake.files() == before


def test_an_idle_table_is_not_expired_over_and_over(lake: DerivedLake) -> None:
    """The snapshot that an expiry rides on pushes out none that the one before has left."""
    expired(lake, last=3)
    assert expired(lake, last=3).status is Status.SKIPPED


def much_later(lake: DerivedLake, days: float = 9) -> TableHandle:
    """A writer so many days later: all that it commits follows a time of quiet."""
    at = time.time() + days * DAY / 1000
    return TableHandle(lake.catalog(), PLAIN, lake.spec.name, clock=lambda: at)


def test_what_was_the_head_a_moment_ago_stays_however_old_it_is(lake: DerivedLake) -> None:
    """Days of quiet, changes, compactions, and an expiry right behind: scans are under way."""
    before, rows, writer = lake.head, lake.rows(), much_later(lake)
    for _ in range(2):
        lake.send(compaction(lake, lake.head), writer)
        lake.send(lake.plan({1: 9}), writer)
    expired(lake, days=1, now_ms=later(9 * DAY + HOUR // 10))
    assert before.snapshot_id in lake.state.by_id
    assert lake.rows(before.snapshot_id) == rows
    assert not missing(lake)


def test_a_quiet_tables_head_is_kept_for_its_days_from_when_it_was_superseded(
    lake: DerivedLake,
) -> None:
    before, writer = lake.head, much_later(lake)
    for version in range(2):
        lake.send(lake.plan({1: version}), writer)
    expired(lake, now_ms=later(16 * DAY - HOUR))
    assert before.snapshot_id in lake.state.by_id
    expired(lake, now_ms=later(16 * DAY + HOUR))
    assert before.snapshot_id not in lake.state.by_id


def test_what_a_reader_recorded_before_a_time_of_quiet_stays(lake: DerivedLake) -> None:
    before, writer = lake.head, much_later(lake)
    for version in range(2):
        lake.send(lake.plan({1: version}), writer)
    held = {before.snapshot_id}
    expired(lake, days=0.1, now_ms=later(10 * DAY - HOUR), pinned=held)
    assert before.snapshot_id in lake.state.by_id
    expired(lake, days=0.1, now_ms=later(10 * DAY + HOUR), pinned=held)
    assert before.snapshot_id not in lake.state.by_id


def test_compactions_do_not_count_among_the_newest(lake: DerivedLake) -> None:
    before = lake.head
    for _ in range(3):
        lake.send(compaction(lake, lake.head))
    expired(lake, last=2)
    assert before.snapshot_id in lake.state.by_id


def test_a_version_from_which_the_table_was_rolled_back_stays_until_something_follows(
    lake: DerivedLake,
) -> None:
    """Nobody knows when that was."""
    gone_back_from = lake.head
    lake.roll_back(lake.state.snapshots[2].snapshot_id)
    expired(lake)
    assert gone_back_from.snapshot_id in lake.state.by_id
    expired(lake, now_ms=later(16 * DAY))
    assert gone_back_from.snapshot_id not in lake.state.by_id


def test_what_a_lagging_reader_has_recorded_stays_as_long_as_thinning_holds_it(
    lake: DerivedLake,
) -> None:
    first = lake.state.snapshots[0]
    rows = lake.rows(first.snapshot_id)
    day_and_a_half, half_a_day = later(36 * HOUR), later(12 * HOUR)
    expired(lake, days=0.4, now_ms=half_a_day, pinned={first.snapshot_id})
    assert first.snapshot_id in lake.state.by_id
    assert lake.rows(first.snapshot_id) == rows
    assert not missing(lake)
    expired(lake, days=0.4, now_ms=day_and_a_half, pinned={first.snapshot_id})
    assert first.snapshot_id not in lake.state.by_id


def test_what_is_not_announced_yet_stays(lake: DerivedLake) -> None:
    first = lake.state.snapshots[0]
    report = expired(lake, announced=first.sequence_number)
    assert report.expired == (first.snapshot_id,)


@pytest.mark.parametrize("kind", [SnapshotRefType.TAG, SnapshotRefType.BRANCH])
def test_what_others_name_stays_readable(lake: DerivedLake, kind: SnapshotRefType) -> None:
    first = lake.state.snapshots[0]
    rows = lake.rows(first.snapshot_id)
    lake.update(reference("of-others", first.snapshot_id, kind))
    expired(lake)
    assert lake.state.refs["of-others"].snapshot_id == first.snapshot_id
    assert lake.rows(first.snapshot_id) == rows
    assert not missing(lake)


def test_our_own_tags_go_with_their_snapshots(lake: DerivedLake) -> None:
    first, _, _, _, head = lake.state.snapshots
    lake.update(reference(hour_tag(0), first.snapshot_id, SnapshotRefType.TAG))
    lake.update(reference(hour_tag(HOUR), head.snapshot_id, SnapshotRefType.TAG))
    expired(lake)
    assert first.snapshot_id not in lake.state.by_id
    assert set(lake.state.refs) == {"main", hour_tag(HOUR)}


def test_a_kept_snapshot_of_others_keeps_what_it_stands_on(lake: DerivedLake) -> None:
    below = lake.head
    foreign = lake.foreign_delete("id = 1")
    for number in range(3):
        lake.build({7: number})
    lake.update(reference("of-others", foreign.snapshot_id, SnapshotRefType.TAG))
    expired(lake)
    assert {below.snapshot_id, foreign.snapshot_id} <= lake.state.by_id.keys()
    assert not missing(lake)


def test_what_others_changed_is_not_hidden(lake: DerivedLake) -> None:
    """The snapshot on top claims nothing: the planner must still see that rows were changed."""
    lake.foreign_delete("id = 1")
    expired(lake)
    traced = Head(lake.state, None).traced  # type: ignore[arg-type]
    assert any(each.summary["operation"] != "replace" for each in traced.foreign)


class Killed(BaseException):
    """The process ends here."""


class Dies:
    """Deletes until its ``step``-th call, which it dies in: before, amid or after its work."""

    def __init__(self, inner: FileDeletion, step: int, share: float) -> None:
        self.inner, self.step, self.share, self.calls = inner, step, share, 0

    def delete(self, paths: Iterable[str]) -> Deleted:
        self.calls += 1
        own = list(paths)
        if self.calls == self.step:
            self.inner.delete(own[: int(len(own) * self.share)])
            raise Killed
        return self.inner.delete(own)


@pytest.mark.parametrize("share", [0, 0.5, 1], ids=["before", "amid", "after"])
@pytest.mark.parametrize("step", [1, 2, 3], ids=["files", "manifests", "lists"])
def test_a_kill_at_any_step_loses_nothing_and_leaves_orphans(
    lake: DerivedLake, step: int, share: float
) -> None:
    rows = lake.rows()
    with pytest.raises(Killed):
        expired(lake, files=Dies(StoreDeletion(lake.table.io), step, share))
    assert lake.rows() == rows
    assert not missing(lake)
    swept(lake)
    assert lake.files() == named(lake)
    assert lake.rows() == rows


class Refuses:
    """A store that lets nobody delete."""

    def __init__(self, refused: bool) -> None:
        self.refused = refused

    def delete(self, paths: Iterable[str]) -> Deleted:
        return Deleted(frozenset(), len(list(paths)), "access denied", self.refused)


@pytest.mark.parametrize(("refused", "error"), [(True, Refused), (False, Unavailable)])
def test_a_store_that_lets_nothing_be_deleted_is_an_error(
    lake: DerivedLake, refused: bool, error: type[Exception]
) -> None:
    before = {path for path in lake.files() if path.suffix != ".json"}
    with pytest.raises(error, match=r"none of \d+ files of core.orders .*: access denied"):
        expired(lake, files=Refuses(refused))
    assert len(lake.state.snapshots) == 2
    assert before <= lake.files()
    assert swept(lake) > 5


def test_files_that_cannot_be_deleted_are_told_and_left(lake: DerivedLake) -> None:
    class Stubborn(StoreDeletion):
        def delete(self, paths: Iterable[str]) -> Deleted:
            _, *others = paths
            return Deleted(super().delete(others).paths, 1, "access denied")

    report = expired(lake, files=Stubborn(lake.table.io))
    assert report.status is Status.SUCCESS
    assert report.errors == 3  # of files, of manifests, of lists
    assert report.data_files_deleted
    assert not missing(lake)
    assert swept(lake) >= report.errors


@pytest.mark.parametrize(
    "fault", [conflict, lost_request, lost_response, late], ids=lambda each: each.__name__
)
def test_whatever_the_catalog_answers(
    lake: DerivedLake, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, handle = lake.rows(), lake.handle()
    catalog: Any = handle.catalog
    catalog.faults.append(fault)
    report = expired(lake, handle=handle)
    assert report.snapshots_expired == 4
    assert catalog.deliver_held() == 0
    assert lake.rows() == rows
    assert not missing(lake)


def test_a_commit_of_somebody_else_at_the_same_time(lake: DerivedLake) -> None:
    handle = lake.handle()
    catalog: Any = handle.catalog
    catalog.faults.append(after(lambda: lake.build({3: 9})))
    report = expired(lake, handle=handle)
    assert report.snapshots_expired == 5  # with the one that was the head when it began
    assert dict(lake.rows())[3] == 9
    assert not missing(lake)


def test_a_rollback_before_the_files_are_deleted(lake: DerivedLake) -> None:
    kept, head = lake.state.snapshots[2], lake.head
    rows = lake.rows(kept.snapshot_id)

    class RollsBack(StoreDeletion):
        def delete(self, paths: Iterable[str]) -> Deleted:
            lake.roll_back(kept.snapshot_id)
            return super().delete(paths)

    expired(lake, last=2, files=RollsBack(lake.table.io))
    assert lake.rows() == rows
    assert lake.rows(head.snapshot_id)
    assert not missing(lake)


def test_another_table_of_the_name_loses_nothing(lake: DerivedLake, tmp_path: Path) -> None:
    handle = lake.handle()
    reload: Callable[[], TableState] = handle.reload
    calls = 0

    def replaced() -> TableState:
        nonlocal calls
        calls += 1
        state = reload()
        return state if calls < 3 else replace(state, table_uuid="another")

    handle.reload = replaced  # type: ignore[method-assign]
    before = {path for path in lake.files() if path.suffix != ".json"}
    report = expired(lake, handle=handle)
    assert report.status is Status.SKIPPED
    assert "another table" in report.reason
    assert before <= lake.files()


def test_files_outside_of_the_tables_location_are_left(lake: DerivedLake, tmp_path: Path) -> None:
    """They were put in by reference, and may be somebody else's."""
    inner = next(iter(lake.live().data))
    elsewhere = tmp_path / "elsewhere.parquet"
    elsewhere.write_bytes(Path(inner.removeprefix("file://")).read_bytes())
    lake.table.add_files([elsewhere.as_uri()])
    lake.send(Delta(planned=lake.head, dropped={elsewhere.as_uri()}, carried=origin(9)))
    expired(lake)
    assert elsewhere not in named(lake)
    assert elsewhere.exists()
    assert not missing(lake)
