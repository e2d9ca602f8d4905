"""Deletes are folded in before readers pay for them, and no row notices."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from shared.lake import folding as module
from shared.lake.commit import Outcome
from shared.lake.folding import FoldingPolicy, fold, folding
from shared.lake.provenance import traced
from tests.support.derived_lake import DerivedLake, origin, rows_of
from tests.support.faulty_catalog import after, lost_request, lost_response

MANY = dict.fromkeys(range(300), 0)
"""A hundred rows in each of three months."""


@pytest.fixture
def lake(tmp_path: Path) -> DerivedLake:
    found = DerivedLake(tmp_path)
    found.build(MANY)
    return found


def folded(lake: DerivedLake, policy: FoldingPolicy | None = None) -> Outcome | None:
    return fold(lake.handle(), lake.spec, commit_id="fold", writer="test", policy=policy)


def test_after_twenty_commits_with_deletes(lake: DerivedLake) -> None:
    for number in range(19):
        lake.build({0: number + 1})
        assert folded(lake) is None
    lake.build({0: 20})
    before, others = lake.rows(), {p for p in lake.live().data if "2026-01" not in p}
    outcome = folded(lake)
    assert outcome is not None
    assert outcome.snapshot is not None
    assert outcome.snapshot.summary["operation"] == "replace"
    assert lake.rows() == before
    live = lake.live()
    assert not live.deletes
    assert others < live.data.keys()  # the other months are left alone
    assert len(live.data) == 3


def test_where_nothing_can_be_due_nothing_is_read(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.build({0: 1})
    monkeypatch.setattr(module, "live_files", lambda *_: pytest.fail("files were looked at"))
    assert folded(lake) is None


def test_totals_of_others_need_not_be_there(lake: DerivedLake) -> None:
    lake.build({0: 1})
    head = lake.state.current_snapshot()
    assert head is not None
    ours = {k: v for k, v in head.summary.items() if not k.startswith("total-")}
    policy = FoldingPolicy(delete_commits=1)
    assert (
        folding(lake.table, lake.spec, msgspec.structs.replace(head, summary=ours), policy)
        is not None
    )


def test_a_tenth_of_a_files_rows(lake: DerivedLake) -> None:
    policy = FoldingPolicy(least_deleted=1)
    lake.build(dict.fromkeys(range(0, 27, 3), 1))
    assert folded(lake, policy) is None  # nine of a hundred
    lake.build({27: 1})
    assert folded(lake, policy) is not None
    assert not lake.live().deletes
    assert len(lake.rows()) == 300


def test_a_few_rows_are_no_share(lake: DerivedLake) -> None:
    """A small table would be folded at every commit."""
    lake.build(dict.fromkeys(range(0, 90, 3), 1))
    assert folded(lake) is None


def test_large_files_stay_and_their_deletes_become_one(lake: DerivedLake) -> None:
    for number in range(1, 4):
        lake.build({3 * number: 1})
    large = max(lake.live().data.values(), key=lambda each: each.file.file_size_in_bytes)
    policy = FoldingPolicy(delete_commits=3, small_bytes=large.file.file_size_in_bytes - 50)
    before = lake.rows()
    january = set(lake.located({0}))
    assert folded(lake, policy) is not None
    live = lake.live()
    assert january < live.data.keys()
    (delete,) = live.deletes.values()
    assert delete.file.record_count == 3
    assert lake.rows() == before
    assert len(live.data) == 4  # the three small ones are one


def test_a_large_file_that_lost_much_is_written_anew(lake: DerivedLake) -> None:
    lake.build(remove=set(range(0, 60, 3)))
    january = set(lake.located({75}))
    assert folded(lake, FoldingPolicy(least_deleted=1, small_bytes=0)) is not None
    assert not january & lake.live().data.keys()
    assert not lake.live().deletes
    assert len(lake.rows()) == 280


def test_a_file_that_lost_everything_leaves(lake: DerivedLake) -> None:
    lake.build(remove=set(range(0, 300, 3)))
    assert folded(lake, FoldingPolicy(least_deleted=1)) is not None
    assert len(lake.live().data) == 2
    assert len(lake.rows()) == 200


def test_it_records_what_its_head_records(lake: DerivedLake) -> None:
    lake.build({0: 1})
    assert folded(lake, FoldingPolicy(delete_commits=1)) is not None
    assert traced(lake.state).provenance == origin(2)
    assert traced(lake.state).snapshot_id == lake.head.snapshot_id


def test_a_second_fold_has_nothing_to_do(lake: DerivedLake) -> None:
    lake.build({0: 1})
    policy = FoldingPolicy(delete_commits=1)
    assert folded(lake, policy) is not None
    assert fold(lake.handle(), lake.spec, commit_id="2", writer="test", policy=policy) is None


def test_somebody_elses_change_of_the_same_rows_goes_first(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module.folding

    def overtaken(*arguments: object) -> object:
        planned = real(*arguments)  # type: ignore[arg-type]
        lake.build({3: 9})
        return planned

    lake.build({0: 1})
    monkeypatch.setattr(module, "folding", overtaken)
    assert folded(lake, FoldingPolicy(delete_commits=1)) is None
    assert (3, 9) in lake.rows()
    assert len(lake.rows()) == 300


def test_rows_that_others_only_add_do_not_disturb(lake: DerivedLake) -> None:
    lake.build({0: 1})
    catalog = lake.catalog()
    catalog.faults.append(after(lambda: lake.build({300: 1})))
    outcome = fold(
        lake.handle(catalog),
        lake.spec,
        commit_id="fold",
        writer="test",
        policy=FoldingPolicy(delete_commits=1),
    )
    assert outcome is not None
    assert outcome.conflicts == 1
    assert len(lake.rows()) == 301
    assert traced(lake.state).provenance == origin(3)


def test_an_attempt_whose_answer_is_lost_is_found_or_left_to_the_next(lake: DerivedLake) -> None:
    lake.build({0: 1})
    policy = FoldingPolicy(delete_commits=1)
    catalog = lake.catalog()
    handle = lake.handle(catalog)
    catalog.faults.append(lost_request)
    assert fold(handle, lake.spec, commit_id="1", writer="test", policy=policy) is None
    catalog.faults.append(lost_response)
    assert fold(handle, lake.spec, commit_id="2", writer="test", policy=policy) is not None
    assert not lake.live().deletes
    assert len(lake.rows()) == 300


def test_a_table_without_deletes_or_snapshots_has_nothing_to_fold(
    lake: DerivedLake, tmp_path: Path
) -> None:
    assert folding(lake.table, lake.spec, lake.head) is None
    empty = DerivedLake(tmp_path / "empty")
    assert fold(empty.handle(), empty.spec, commit_id="fold", writer="test") is None


def test_rows_of_somebody_else_that_come_before_the_commit_stay_foreign(lake: DerivedLake) -> None:
    """Or the next build would take them for what the sources give, and keep them for ever."""
    for number in range(20):
        lake.build({0: number + 1})
    handle = lake.handle()
    handle.state()
    lake.table.append(rows_of({1000: 0}))
    foreign = lake.head.snapshot_id
    outcome = fold(handle, lake.spec, commit_id="fold", writer="test")
    assert outcome is not None
    assert (1000, 0) in lake.rows()
    found = traced(lake.state)
    assert found.provenance == origin(21)
    assert foreign in {each.snapshot_id for each in found.foreign}
