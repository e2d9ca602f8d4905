"""Many files become few, rows stay what they are, and nobody who writes meanwhile loses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.lake import divided_deletes
from shared.lake.checking.deletes import check_deletes
from shared.lake.maintenance import compaction as module
from shared.lake.maintenance.compaction import CompactionReport, CompactionStep, Status, compact
from shared.lake.maintenance.policy import MaintenancePolicy
from shared.lake.maintenance.rewriting import Rewritten, rewrite
from shared.lake.position_deletes import read_positions
from shared.lake.provenance import traced
from shared.lake.reading.changes import changes
from tests.support.derived_lake import DerivedLake, origin, swaps
from tests.support.faulty_catalog import FaultyCatalog, after, lost_request, lost_response

LATER_MS = 4_000_000_000_000
"""When every partition has long been quiet."""

JANUARY = dict.fromkeys(range(0, 300, 3), 0)
"""A hundred rows of one month."""


@pytest.fixture
def lake(tmp_path: Path) -> DerivedLake:
    """A month of ten files of ten rows."""
    found = DerivedLake(tmp_path)
    keys = list(JANUARY)
    for at in range(0, 100, 10):
        found.build(dict.fromkeys(keys[at : at + 10], 0))
    return found


def compacted(
    lake: DerivedLake,
    catalog: FaultyCatalog | None = None,
    policy: MaintenancePolicy | None = None,
    *,
    force: bool = False,
    dry_run: bool = False,
    progress: Callable[[CompactionStep], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> CompactionReport:
    return compact(
        lake.handle(catalog),
        lake.spec,
        policy or MaintenancePolicy(),
        writer="test",
        now_ms=LATER_MS,
        force=force,
        dry_run=dry_run,
        progress=progress,
        stop=stop,
    )


def meanwhile(monkeypatch: pytest.MonkeyPatch, *events: Callable[[], object]) -> None:
    """Each event happens once, between the reading of a group and its commit."""
    left = list(events)

    def overtaken(*arguments: object, **options: object) -> Rewritten:
        found = rewrite(*arguments, **options)  # type: ignore[arg-type]
        if left:
            left.pop(0)()
        return found

    monkeypatch.setattr(module, "rewrite", overtaken)


def test_ten_files_become_one_and_the_rows_are_the_same(lake: DerivedLake) -> None:
    before = lake.rows()
    report = compacted(lake)
    assert report.status is Status.SUCCESS
    assert (report.groups, report.files_before, report.files_after) == (1, 10, 1)
    assert report.rows == 100
    assert lake.rows() == before
    assert len(lake.live().data) == 1
    assert lake.head.summary["operation"] == "replace"


def test_it_records_what_its_head_records(lake: DerivedLake) -> None:
    compacted(lake)
    found = traced(lake.state)
    assert found.provenance == origin(10)
    assert found.snapshot_id == lake.head.snapshot_id


def test_rows_are_sorted_as_declared(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path)
    for start in range(5):
        lake.build(dict.fromkeys(range(3 * start, 300, 15), start))
    compacted(lake)
    rows = lake.table.scan().to_arrow()
    assert rows["id"].to_pylist() == list(range(0, 300, 3))


def test_deleted_rows_go_and_their_delete_files_with_them(lake: DerivedLake) -> None:
    lake.build(remove=set(range(0, 90, 3)))
    before = lake.rows()
    report = compacted(lake)
    assert report.deletes_dropped == 1
    assert report.rows == 70
    assert not lake.live().deletes
    assert lake.rows() == before


def test_a_partition_without_rows_left_has_no_files_left(lake: DerivedLake) -> None:
    lake.build(remove=set(JANUARY))
    report = compacted(lake)
    assert (report.files_before, report.files_after) == (10, 0)
    assert not lake.live().data
    assert not lake.live().deletes


def beside_a_large_file(lake: DerivedLake) -> MaintenancePolicy:
    """A large file comes beside the small ones, and one delete file is about both; with this
    policy the small ones alone are compacted."""
    lake.build(dict.fromkeys(range(300, 3300, 3), 0))
    lake.build(remove={0, 300})
    size = min(each.file.file_size_in_bytes for each in lake.live().data.values())
    return MaintenancePolicy(
        target_bytes=size * 8 // 3, small_share=0.5, least_files=2, deleted_share=1.0
    )


def test_of_a_delete_file_what_it_says_of_files_that_stay_stays(lake: DerivedLake) -> None:
    policy = beside_a_large_file(lake)
    before, start = lake.rows(), lake.head
    report = compacted(lake, policy=policy)
    assert (report.files_before, report.deletes_dropped, report.deletes_left) == (10, 1, 0)
    assert lake.rows() == before
    live = lake.live()
    (delete,) = [each.file for each in live.deletes.values()]
    ((path, positions),) = read_positions(lake.table.io, [delete]).items()
    assert (live.data[path].file.record_count, positions) == (1000, [0])
    assert lake.head.summary["removed-position-deletes"] == "2"
    assert lake.head.summary["total-position-deletes"] == "1"
    check, deleted = check_deletes(lake.table.io, live)
    assert (check.findings, deleted) == ((), 1)
    found = changes(lake.table, start, lake.head, added=["id"], removed=["id"])
    assert found.added.is_empty()
    assert found.removed.is_empty()


def test_what_others_delete_meanwhile_of_files_that_go_and_stay_is_one_delete_file(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = beside_a_large_file(lake)
    meanwhile(
        monkeypatch,
        lambda: (lake.build(remove={3, 303}), lake.build(remove={306}), lake.build(remove={6})),
    )
    gone = {0, 3, 6, 300, 303, 306}
    before = lake.rows()
    report = compacted(lake, policy=policy)
    assert (report.status, report.deletes_dropped, report.deletes_translated) == (
        Status.SUCCESS,
        3,
        2,
    )
    assert lake.rows() == [row for row in before if row[0] not in gone]
    live = lake.live()
    assert sorted(each.file.record_count for each in live.deletes.values()) == [1, 4]
    assert check_deletes(lake.table.io, live)[0].findings == ()


def test_of_a_large_delete_file_a_few_idle_positions_are_left_and_counted(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = beside_a_large_file(lake)
    lake.build(remove={3, *range(600, 1200, 3)})
    monkeypatch.setattr(divided_deletes, "LITTLE", 10)
    before = lake.rows()
    report = compacted(lake, policy=policy)
    assert (report.deletes_dropped, report.deletes_left) == (1, 1)
    assert report.reason == "1 delete files stay, with a few positions of files that are gone"
    assert lake.rows() == before
    check, deleted = check_deletes(lake.table.io, lake.live())
    assert check.findings == ()
    assert check.looked_at == "202 positions in 2 files, 1 of them of files that are gone"
    assert deleted == 201


def changed_a_row_at_a_time(lake: DerivedLake, commits: int) -> MaintenancePolicy:
    """A large file and a delete file of each of so many commits; files are never written anew."""
    lake.build(dict.fromkeys(range(300, 3300, 3), 0))
    for key in range(300, 300 + 6 * commits, 6):
        lake.build(remove={key})
    return MaintenancePolicy(target_bytes=1, deleted_share=1.0)


def unnamed_deletes(lake: DerivedLake) -> set[str]:
    """Delete files in the store that no retained snapshot names."""
    named = {path for each in lake.state.snapshots for path in lake.live(each).deletes}
    found = {f"file://{path}" for path in lake.files() if path.name.endswith("-deletes.parquet")}
    return found - named


def test_many_delete_files_become_one_and_data_files_stay(lake: DerivedLake) -> None:
    policy = changed_a_row_at_a_time(lake, 20)
    rows, data, start = lake.rows(), set(lake.live().data), lake.head
    report = compacted(lake, policy=policy)
    assert (report.status, report.groups, report.deletes_dropped) == (Status.SUCCESS, 1, 20)
    assert (report.files_before, report.files_after, report.bytes_after) == (0, 0, 0)
    live = lake.live()
    (delete,) = live.deletes.values()
    assert delete.file.record_count == 20
    assert (lake.rows(), set(live.data)) == (rows, data)
    assert check_deletes(lake.table.io, live)[0].findings == ()
    assert lake.head.summary["operation"] == "replace"
    found = changes(lake.table, start, lake.head, added=["id"], removed=["id"])
    assert found.added.is_empty()
    assert found.removed.is_empty()
    assert compacted(lake, policy=policy).status is Status.SKIPPED


def test_many_delete_files_become_one_beside_small_files_that_do(lake: DerivedLake) -> None:
    changed_a_row_at_a_time(lake, 18)
    lake.build(remove={0, 300 + 6 * 20})
    lake.build(remove={3})
    rows = lake.rows()
    size = min(each.file.file_size_in_bytes for each in lake.live().data.values())
    policy = MaintenancePolicy(target_bytes=size * 8 // 3, small_share=0.5, deleted_share=1.0)
    report = compacted(lake, policy=policy)
    assert (report.files_before, report.files_after, report.deletes_dropped) == (10, 1, 20)
    live = lake.live()
    (delete,) = live.deletes.values()
    assert delete.file.record_count == 19
    assert lake.rows() == rows
    assert check_deletes(lake.table.io, live)[0].findings == ()


def test_a_few_delete_files_are_left_unless_somebody_asks(lake: DerivedLake) -> None:
    policy = changed_a_row_at_a_time(lake, 19)
    assert compacted(lake, policy=policy).status is Status.SKIPPED
    assert compacted(lake, policy=policy, force=True).status is Status.SUCCESS


def test_delete_files_that_come_at_every_attempt_are_merged_as_well(lake: DerivedLake) -> None:
    policy = changed_a_row_at_a_time(lake, 20)
    catalog, keys = lake.catalog(), iter(range(2703, 3000, 6))
    catalog.faults += [after(lambda: lake.build(remove={next(keys)})) for _ in range(5)]
    report = compacted(lake, catalog, policy)
    assert (report.status, report.outcomes[0].conflicts) == (Status.SUCCESS, 5)
    assert report.deletes_dropped == 25
    (delete,) = lake.live().deletes.values()
    assert delete.file.record_count == 25
    assert len(lake.rows()) == 1100 - 25
    assert not unnamed_deletes(lake), "files of attempts that failed for certain are gone"


def test_merged_deletes_whose_answer_is_lost_are_found(lake: DerivedLake) -> None:
    policy = changed_a_row_at_a_time(lake, 20)
    catalog = lake.catalog()
    catalog.faults.append(lost_response)
    report = compacted(lake, catalog, policy)
    assert report.status is Status.SUCCESS
    assert len(lake.live().deletes) == 1
    assert len(lake.rows()) == 1080
    assert not unnamed_deletes(lake)


def test_a_dry_run_changes_nothing_and_tells_what_would_be(lake: DerivedLake) -> None:
    before = lake.files()
    report = compacted(lake, dry_run=True)
    assert report.status is Status.DRY_RUN
    assert (report.groups, report.files_before, report.files_after) == (1, 10, 1)
    assert lake.files() == before


def test_a_second_time_nothing_is_due(lake: DerivedLake) -> None:
    compacted(lake)
    report = compacted(lake)
    assert report.status is Status.SKIPPED
    assert report.reason
    assert compacted(lake, force=True).status is Status.SKIPPED


def test_a_table_without_snapshots_is_skipped(tmp_path: Path) -> None:
    assert compacted(DerivedLake(tmp_path)).reason == "the table has no files"


def test_rows_that_others_add_meanwhile_are_there_too(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: lake.build({300: 1}))
    report = compacted(lake)
    assert report.status is Status.SUCCESS
    assert len(lake.rows()) == 101
    assert len(lake.live().data) == 2


def test_rows_that_others_delete_meanwhile_stay_deleted(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.build(remove={0})
    meanwhile(monkeypatch, lambda: lake.build(remove={3, 297}))
    report = compacted(lake)
    assert report.deletes_translated == 2
    assert report.rows == 97
    assert len(lake.rows()) == 97
    live = lake.live()
    (data,), (delete,) = live.data, live.deletes.values()
    assert delete.file.lower_bounds == delete.file.upper_bounds
    assert set(lake.located({6})) == {data}


def test_rows_that_others_swap_meanwhile_are_the_new_ones(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: lake.build({3: 7, 6: 7}))
    assert compacted(lake).deletes_translated == 2
    assert {(3, 7), (6, 7)} < set(lake.rows())
    assert len(lake.rows()) == 100


def test_a_table_that_is_swapped_at_every_attempt_is_compacted(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = dict(lake.rows())
    catalog = lake.catalog()
    changes_of = iter(list(swaps(3, 6, 100)))

    def swap() -> None:
        put, remove = next(changes_of)
        put = {3 * key: version for key, version in put.items()}
        remove = {3 * key for key in remove}
        lake.build(put, remove & expected.keys())
        expected.update(put)
        for key in remove:
            expected.pop(key, None)

    meanwhile(monkeypatch, swap)
    catalog.faults += [after(swap) for _ in range(5)]
    report = compacted(lake, catalog)
    assert report.status is Status.SUCCESS
    assert report.outcomes[0].conflicts == 5
    assert report.deletes_translated
    assert lake.rows() == sorted(expected.items())
    assert check_deletes(lake.table.io, lake.live())[0].findings == ()
    assert not unnamed_deletes(lake), "files of attempts that failed for certain are gone"


def test_rows_swapped_again_and_again_meanwhile_leave_no_idle_position(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later swap deletes rows of a file that is compacted and of one that came meanwhile."""

    def swaps() -> None:
        lake.build({3: 1, 6: 1})
        lake.build({6: 2, 9: 1})

    meanwhile(monkeypatch, swaps)
    assert compacted(lake).deletes_translated == 3
    assert dict(lake.rows()) == {**JANUARY, 3: 1, 6: 2, 9: 1}
    check, deleted = check_deletes(lake.table.io, lake.live())
    assert (check.findings, deleted) == ((), 4)


def test_a_row_that_is_swapped_twice_meanwhile_is_there_once(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice() -> None:
        lake.build({3: 1})
        lake.build({3: 2})

    meanwhile(monkeypatch, twice)
    assert compacted(lake).deletes_translated == 1
    assert (3, 2) in lake.rows()
    assert len(lake.rows()) == 100


def test_a_group_whose_files_somebody_else_replaced_is_given_up(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: compacted(lake))
    report = compacted(lake)
    assert report.status is Status.SKIPPED
    assert report.attempts_wasted == 1
    assert report.bytes_wasted > 0
    assert "not live any more" in report.reason
    assert len(lake.rows()) == 100


def test_rows_that_come_back_meanwhile_are_not_lost(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_all = lake.head.snapshot_id
    lake.build(remove={0, 3})
    meanwhile(monkeypatch, lambda: lake.roll_back(with_all))
    report = compacted(lake)
    assert report.attempts_wasted == 1
    assert len(lake.rows()) == 100


def test_a_commit_whose_answer_is_lost_is_found(lake: DerivedLake) -> None:
    catalog = lake.catalog()
    catalog.faults.append(lost_response)
    assert compacted(lake, catalog).status is Status.SUCCESS
    assert len(lake.live().data) == 1
    assert len(lake.rows()) == 100


def test_files_of_a_commit_that_may_still_succeed_are_not_named_again(lake: DerivedLake) -> None:
    catalog = lake.catalog()
    catalog.faults.append(lost_request)
    report = compacted(lake, catalog)
    assert report.status is Status.SKIPPED
    assert report.attempts_wasted == 1
    assert len(lake.live().data) == 10


def test_who_dies_between_writing_and_the_commit_has_changed_nothing(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    head, live = lake.head.snapshot_id, lake.live()
    meanwhile(monkeypatch, die)
    with pytest.raises(Killed):
        compacted(lake)
    assert lake.head.snapshot_id == head
    assert lake.live() == live
    assert compacted(lake).status is Status.SUCCESS  # the next one is not disturbed by the files
    assert len(lake.rows()) == 100


def test_it_stops_when_it_is_asked_to(lake: DerivedLake) -> None:
    asked = iter([False, False, True])
    report = compacted(lake, stop=lambda: next(asked))
    assert report.status is Status.SKIPPED
    assert "stopped" in report.reason
    assert len(lake.live().data) == 10


def test_it_tells_how_far_it_is(lake: DerivedLake) -> None:
    steps: list[CompactionStep] = []
    compacted(lake, progress=steps.append)
    assert steps[-1].bytes_done == steps[-1].bytes_all > 0
    assert steps[-1].outcome is not None
    assert [step.bytes_done for step in steps] == sorted(step.bytes_done for step in steps)


def test_readers_of_changes_see_nothing_of_it(lake: DerivedLake) -> None:
    before = lake.head
    compacted(lake)
    found = changes(lake.table, before, lake.head, added=["id"], removed=["id"])
    assert found.added.is_empty()
    assert found.removed.is_empty()
    assert found.stats.files == 0


def test_readers_of_changes_see_what_others_deleted_meanwhile_and_no_more(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lake.head
    meanwhile(monkeypatch, lambda: lake.build({3: 7}, {6}))
    assert compacted(lake).deletes_translated == 2
    lake.build({9: 8})
    columns = ["id", "version"]
    found = changes(lake.table, before, lake.head, added=columns, removed=columns)
    assert sorted(found.removed.rows()) == [(3, 0), (6, 0), (9, 0)]
    assert sorted(found.added.rows()) == [(3, 7), (9, 8)]


@pytest.mark.parametrize("start", ["before", "between"])
def test_a_reader_between_the_swap_and_the_compaction_sees_the_rest(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    seen = {"before": lake.head}

    def swap() -> None:
        lake.build({3: 7})
        seen["between"] = lake.head

    meanwhile(monkeypatch, swap)
    compacted(lake)
    columns = ["id", "version"]
    found = changes(lake.table, seen[start], lake.head, added=columns, removed=columns)
    expected = ([(3, 7)], [(3, 0)]) if start == "before" else ([], [])
    assert (found.added.rows(), found.removed.rows()) == expected
