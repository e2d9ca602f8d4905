"""A table is built anew aside; readers of main see all of it at once, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.contracts.identity import uuid7
from shared.lake.announcements import unannounced
from shared.lake.branches import publish_branch, start_branch
from shared.lake.commit import Delta, Outcome, Result, Stale, find_commit
from shared.lake.handle import TableHandle
from shared.lake.history import Standing, versions
from shared.lake.provenance import Provenance, traced
from shared.lake.thinning import ThinningPolicy, plan
from shared.runtime.errors import NotFound, Refused
from tests.support.derived_lake import DerivedLake, compaction, origin
from tests.support.faulty_catalog import after, lost_response

TEN = dict.fromkeys(range(10), 0)
BRANCH = "rebuild"
NOTHING_KEPT = ThinningPolicy(dense_ms=0, minutes_ms=0, hours_ms=0)


@pytest.fixture
def lake(tmp_path: Path) -> DerivedLake:
    found = DerivedLake(tmp_path)
    found.build(TEN)
    return found


def start(lake: DerivedLake, handle: TableHandle | None = None) -> Outcome:
    return start_branch(handle or lake.handle(), BRANCH, commit_id=uuid7(), writer="test")


def publish(
    lake: DerivedLake, handle: TableHandle | None = None, expected: int | None = None
) -> Outcome:
    return publish_branch(
        handle or lake.handle(),
        BRANCH,
        lake.state.current_snapshot_id if expected is None else expected,
        commit_id=uuid7(),
        writer="test",
        sleep=lambda _: None,
    )


def rebuilt(lake: DerivedLake, keys: dict[int, int]) -> Outcome:
    """Everything on the branch gives way to these keys."""
    head = lake.state.head(BRANCH)
    assert head is not None
    live = lake.live(head)
    new = lake.plan(keys, carried=origin(5), on=head)
    return lake.send(
        Delta(
            added=new.added,
            dropped={*live.data, *live.deletes},
            planned=head,
            carried=origin(5),
        ),
        ref=BRANCH,
    )


def on_branch(lake: DerivedLake) -> list[tuple[int, int]]:
    return lake.rows(lake.state.head_id(BRANCH))


def test_it_starts_with_what_main_holds_and_main_does_not_move(lake: DerivedLake) -> None:
    main = lake.head
    start(lake)
    head = lake.state.head(BRANCH)
    assert head is not None
    assert head.parent_snapshot_id == main.snapshot_id
    assert on_branch(lake) == lake.rows() == sorted(TEN.items())
    assert lake.head == main
    assert traced(lake.state, BRANCH).provenance == origin(1)


def test_what_is_committed_to_it_is_not_on_main(lake: DerivedLake) -> None:
    start(lake)
    main = lake.head
    rebuilt(lake, {1: 7, 2: 7})
    assert on_branch(lake) == [(1, 7), (2, 7)]
    assert lake.rows() == sorted(TEN.items())
    assert lake.head == main
    assert traced(lake.state, BRANCH).provenance == origin(5)
    assert traced(lake.state).provenance == origin(1)


def test_the_mirror_is_of_main_alone(lake: DerivedLake) -> None:
    """A missing parent of main must not be taken for one of the branch."""
    main = lake.head
    start(lake)
    rebuilt(lake, {1: 7})
    assert Provenance.from_mirror(lake.state.properties) == (main.snapshot_id, origin(1))
    published = publish(lake).snapshot
    assert published is not None
    assert Provenance.from_mirror(lake.state.properties) == (published.snapshot_id, origin(5))


def test_main_takes_it_over_at_once(lake: DerivedLake) -> None:
    start(lake)
    rebuilt(lake, {1: 7, 2: 7})
    branch, before = lake.state.head(BRANCH), lake.head
    assert branch is not None
    outcome = publish(lake)
    assert outcome.result is Result.COMMITTED
    assert lake.rows() == [(1, 7), (2, 7)]
    assert BRANCH not in lake.state.refs
    assert traced(lake.state).provenance == origin(5)
    assert lake.head.parent_snapshot_id == before.snapshot_id
    assert lake.head.sequence_number > max(branch.sequence_number, before.sequence_number)
    assert lake.head.timestamp_ms >= before.timestamp_ms
    assert lake.head.summary["operation"] == "overwrite"
    assert lake.head.summary["total-records"] == "2"


def test_a_main_that_moved_on_is_not_overwritten(lake: DerivedLake) -> None:
    start(lake)
    rebuilt(lake, {1: 7})
    expected = lake.head.snapshot_id
    lake.build({3: 3})
    with pytest.raises(Stale, match="not at"):
        publish(lake, expected=expected)
    assert (3, 3) in lake.rows()


def test_nor_one_that_moves_while_it_is_published(lake: DerivedLake) -> None:
    start(lake)
    rebuilt(lake, {1: 7})
    catalog = lake.catalog()
    catalog.faults.append(after(lambda: lake.build({3: 3})))
    with pytest.raises(Stale, match="not at"):
        publish(lake, lake.handle(catalog))
    assert (3, 3) in lake.rows()


def test_a_branch_that_moves_while_it_is_published_is_published_as_it_is_then(
    lake: DerivedLake,
) -> None:
    start(lake)
    rebuilt(lake, {1: 7})
    catalog = lake.catalog()
    catalog.faults.append(after(lambda: rebuilt(lake, {2: 8})))
    assert publish(lake, lake.handle(catalog)).conflicts == 1
    assert lake.rows() == [(2, 8)]


def test_a_publication_whose_answer_is_lost_is_found(lake: DerivedLake) -> None:
    start(lake)
    rebuilt(lake, {1: 7})
    catalog = lake.catalog()
    catalog.faults.append(lost_response)
    assert publish(lake, lake.handle(catalog)).result is Result.FOUND
    assert lake.rows() == [(1, 7)]


def test_a_start_whose_answer_is_lost_is_found(lake: DerivedLake) -> None:
    catalog = lake.catalog()
    catalog.faults.append(lost_response)
    assert start(lake, lake.handle(catalog)).result is Result.FOUND
    assert on_branch(lake) == sorted(TEN.items())


def test_one_that_was_left_over_is_started_anew(lake: DerivedLake) -> None:
    start(lake)
    rebuilt(lake, {1: 7})
    lake.build({3: 3})
    start(lake)
    assert on_branch(lake) == lake.rows()


def test_deltas_of_it_are_checked_as_those_of_main(lake: DerivedLake) -> None:
    start(lake)
    head = lake.state.head(BRANCH)
    assert head is not None
    planned = compaction(lake, head)
    lake.send(lake.plan({3: 1}, on=head), ref=BRANCH)
    with pytest.raises(Stale, match="younger than the plan"):
        lake.send(planned, ref=BRANCH)


def test_a_branch_that_is_not_there(lake: DerivedLake) -> None:
    with pytest.raises(NotFound, match="no branch rebuild"):
        publish(lake)
    with pytest.raises(NotFound, match="no branch rebuild"):
        lake.send(Delta(carried=origin(2)), ref=BRANCH)


def test_one_that_somebody_else_has_just_started_is_there(lake: DerivedLake) -> None:
    """Though this handle remembers the table without it."""
    handle = lake.handle()
    lake.send(Delta(planned=lake.head), handle)
    start(lake)
    head = lake.state.head(BRANCH)
    assert lake.send(Delta(planned=head), handle, ref=BRANCH).result is Result.COMMITTED


def test_a_table_without_a_snapshot_has_nothing_to_start_from(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no snapshot to start a branch from"):
        start(DerivedLake(tmp_path))


def test_commits_are_found_where_they_were_made(lake: DerivedLake) -> None:
    start(lake)
    lake.send(Delta(planned=lake.state.head(BRANCH)), ref=BRANCH, commit_id="aside")
    assert find_commit(lake.state, "aside", BRANCH) is not None
    assert find_commit(lake.state, "aside") is None


def test_only_what_main_showed_is_announced(lake: DerivedLake) -> None:
    start(lake)
    lake.build({3: 3})
    meanwhile = lake.head
    for number in range(3):
        rebuilt(lake, {1: number})
    published = publish(lake).snapshot
    assert published is not None
    first, second, third = unannounced("core.orders", lake.state, 0)
    assert first.sequence_number == 1
    assert second.snapshot_id == meanwhile.snapshot_id
    assert third.snapshot_id == published.snapshot_id
    assert third.parent_snapshot_id == meanwhile.snapshot_id
    assert third.total_rows == 1


def test_what_was_committed_to_it_is_no_version_of_main(lake: DerivedLake) -> None:
    first = lake.head.snapshot_id
    start(lake)
    lake.build({3: 3})
    second = lake.head.snapshot_id
    rebuilt(lake, {1: 7})
    publish(lake)
    assert {v.snapshot_id: v.standing for v in versions(lake.state) if v.in_history} == {
        first: Standing.ANCESTOR,
        second: Standing.ANCESTOR,
        lake.head.snapshot_id: Standing.HEAD,
    }


def test_thinning_keeps_its_head_alone_and_never_instead_of_mains(lake: DerivedLake) -> None:
    first = lake.head
    start(lake)
    for number in range(3):
        rebuilt(lake, {1: number})
    now = max(snapshot.timestamp_ms for snapshot in lake.state.snapshots)
    generous = ThinningPolicy(dense_ms=0)
    planned = plan(lake.state, now + 1, generous)
    kept = {s.snapshot_id for s in lake.state.snapshots} - set(planned.remove)
    assert kept == {first.snapshot_id, lake.state.head_id(BRANCH)}
    publish(lake)
    removed = plan(lake.state, lake.head.timestamp_ms + 1, NOTHING_KEPT, announced=0).remove
    kept = {s.snapshot_id for s in lake.state.snapshots} - set(removed)
    assert kept == {first.snapshot_id, lake.head.snapshot_id}
