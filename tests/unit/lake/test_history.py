"""Which retained snapshots are versions of the present history, and what each of them tells."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.lake.history import Standing, as_of, first_covering, versions
from shared.lake.table_state import TableState

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def minute(number: float) -> datetime:
    return BEGIN + timedelta(minutes=number)


def snapshot(
    number: int, parent: int | None, offset: int | None, *, writer: str | None = "stream_writer"
) -> dict[str, Any]:
    """Snapshot ``number``, committed at that minute, that moved orders/0 to ``offset``."""
    summary: dict[str, str] = {"operation": "append", "added-records": "5"}
    if writer is None:
        summary["engine-name"] = "spark"
    else:
        summary |= {"bergline.commit": f"commit-{number}", "bergline.writer": writer}
    if offset is not None:
        summary["bergline.offsets"] = json.dumps({"orders": {"0": offset}})
    return {
        "snapshot-id": number,
        "parent-snapshot-id": parent,
        "sequence-number": number,
        "timestamp-ms": int(minute(number).timestamp() * 1000),
        "manifest-list": f"s3://warehouse/{number}.avro",
        "summary": summary,
    }


def state(
    *snapshots: Mapping[str, Any], head: int, refs: Mapping[str, Any] | None = None
) -> TableState:
    return msgspec.convert(
        {
            "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
            "location": "s3://warehouse/t",
            "last-sequence-number": 100,
            "current-snapshot-id": head,
            "snapshots": list(snapshots),
            "refs": {"main": {"snapshot-id": head, "type": "branch"}, **(refs or {})},
        },
        TableState,
    )


def standings(table: TableState) -> dict[int, str]:
    return {version.snapshot_id: str(version.standing) for version in versions(table)}


THINNED = state(
    snapshot(3, 2, 15),
    snapshot(6, 5, 30),
    snapshot(7, 6, 35),
    snapshot(8, 7, 40),
    head=8,
    refs={"bergline-hour-2026010100": {"snapshot-id": 3, "type": "tag"}},
)
"""Snapshots 1, 2, 4 and 5 were thinned away."""


def test_what_lies_before_a_thinned_stretch_is_still_history() -> None:
    assert standings(THINNED) == {3: "earlier", 6: "ancestor", 7: "ancestor", 8: "head"}


def test_tags_and_branches_are_told() -> None:
    assert [version.refs for version in versions(THINNED)] == [
        ("bergline-hour-2026010100",),
        (),
        (),
        ("main",),
    ]


def test_each_version_tells_what_it_moved_since_the_one_retained_before() -> None:
    moved = [version.moved["orders", 0] for version in versions(THINNED)]
    assert moved == [(None, 15), (15, 30), (30, 35), (35, 40)]


def test_what_was_rolled_back_stands_aside_and_moves_nothing_for_others() -> None:
    table = state(
        snapshot(1, None, 10), snapshot(2, 1, 20), snapshot(3, 2, 30), snapshot(4, 1, 12), head=4
    )
    assert standings(table) == {1: "ancestor", 2: "aside", 3: "aside", 4: "head"}
    assert versions(table)[-1].moved["orders", 0] == (10, 12)


def test_a_branch_of_its_own_is_not_history() -> None:
    table = state(
        snapshot(2, 1, 10),
        snapshot(5, 4, 20),
        head=5,
        refs={"rebuild": {"snapshot-id": 2, "type": "branch"}},
    )
    assert standings(table) == {2: "aside", 5: "head"}


def test_what_was_committed_to_a_branch_is_a_version_once_main_was_moved_there() -> None:
    """As other engines publish a branch; our own publication is a snapshot of its own."""
    first, aside, last = snapshot(1, None, 5), snapshot(2, 1, 10), snapshot(3, 2, 20)
    aside["summary"]["bergline.branch"] = "rebuild"
    assert standings(state(first, aside, last, head=3)) == {1: "ancestor", 2: "ancestor", 3: "head"}
    assert standings(state(first, aside, head=1)) == {1: "head", 2: "aside"}


def test_an_unbroken_history_has_no_earlier_versions() -> None:
    """The oldest ancestor has no parent: nothing older can belong to it."""
    table = state(snapshot(1, None, 5), snapshot(2, None, 10), snapshot(3, 2, 20), head=3)
    assert standings(table)[1] == Standing.ASIDE


def test_a_snapshot_of_another_engine_is_foreign_and_moves_nothing() -> None:
    table = state(snapshot(1, None, 10), snapshot(2, 1, None, writer=None), head=2)
    ours, theirs = versions(table)
    assert (ours.foreign, ours.writer) == (False, "stream_writer")
    assert (theirs.foreign, theirs.writer, dict(theirs.moved)) == (True, "spark", {})


@pytest.mark.parametrize(
    ("at", "expected"), [(2.9, None), (3, 3), (5.5, 3), (6, 6), (7.99, 7), (1e6, 8)]
)
def test_a_time_means_the_newest_version_not_younger(at: float, expected: int | None) -> None:
    version = as_of(THINNED, minute(at))
    assert (None if version is None else version.snapshot_id) == expected


def test_a_time_never_means_what_was_rolled_back() -> None:
    table = state(snapshot(1, None, 10), snapshot(2, 1, 20), snapshot(4, 1, 12), head=4)
    version = as_of(table, minute(3))
    assert version is not None
    assert version.snapshot_id == 1


def test_a_table_without_snapshots_has_no_history() -> None:
    empty = TableState(
        table_uuid="9c12d441-03fe-4693-9a96-a0705ddf69c1", location="s3://warehouse/t"
    )
    assert (versions(empty), as_of(empty, minute(9))) == ([], None)
    assert first_covering(empty, ("orders", 0), 0) is None


@pytest.mark.parametrize(
    ("offset", "snapshot_id", "exact"),
    [
        (30, 7, True),
        (34, 7, True),
        (39, 8, True),
        (29, 6, False),
        (15, 6, False),
        (14, 3, False),
    ],
)
def test_the_first_retained_version_behind_an_offset(
    offset: int, snapshot_id: int, exact: bool
) -> None:
    covering = first_covering(THINNED, ("orders", 0), offset)
    assert covering is not None
    assert (covering.version.snapshot_id, covering.exact) == (snapshot_id, exact)


def test_the_first_snapshot_of_a_table_is_exact() -> None:
    covering = first_covering(state(snapshot(1, None, 10), head=1), ("orders", 0), 3)
    assert covering is not None
    assert covering.exact


def test_an_offset_that_no_version_covers() -> None:
    assert first_covering(THINNED, ("orders", 0), 40) is None
    assert first_covering(THINNED, ("orders", 1), 0) is None


def test_the_time_of_the_row_tells_a_recreated_log_apart() -> None:
    table = state(
        snapshot(1, None, 100), snapshot(2, 1, 0, writer="cli"), snapshot(3, 2, 50), head=3
    )
    old = first_covering(table, ("orders", 0), 20, not_before=minute(0.9))
    new = first_covering(table, ("orders", 0), 20, not_before=minute(2.9))
    assert old is not None
    assert new is not None
    assert (old.version.snapshot_id, new.version.snapshot_id) == (1, 3)


def test_a_row_prepared_in_the_millisecond_of_its_snapshot_is_covered_by_it() -> None:
    prepared = minute(7) + timedelta(microseconds=900)
    covering = first_covering(THINNED, ("orders", 0), 33, not_before=prepared)
    assert covering is not None
    assert covering.version.snapshot_id == 7
