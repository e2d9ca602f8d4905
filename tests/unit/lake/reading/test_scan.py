from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from shared.lake.reading.columns import Columns
from shared.lake.reading.live_files import live_files
from shared.lake.reading.scan import Keys, ReadStats, scan
from shared.lake.table_state import SnapshotEntry
from tests.support.row_histories import RowHistory, day

TYPES: dict[str, pl.DataType] = {
    "id": pl.Int32(),
    "kind": pl.String(),
    "amount": pl.Decimal(18, 2),
    "at": pl.Datetime("us", "UTC"),
}
PLACES: dict[str, pl.DataType] = {"_file": pl.String(), "_pos": pl.Int64()}


def numbered(*ids: int | None, on: int = 1, kind: str | None = None) -> list[dict[str, object]]:
    return [{"id": each, "kind": kind, "at": day(on)} for each in ids]


def by_id(*ids: int | None) -> Keys:
    frame = pl.DataFrame({"key": list(ids)}, schema={"key": pl.Int64})
    return Keys(frame, {"key": pl.col("id")})


def found(
    history: RowHistory, snapshot: SnapshotEntry, keys: Keys, files: int, column: str = "id"
) -> list[object]:
    """The values of a column of the rows of these keys, which are found in so many files."""
    stats = ReadStats()
    rows = scan(history.table, snapshot, [column], keys=keys, stats=stats)
    assert (stats.files, stats.rows) == (files, rows.height)
    return sorted(rows[column], key=str)


@pytest.mark.parametrize("located", [False, True])
def test_no_rows_have_the_same_types_as_some(history: RowHistory, located: bool) -> None:
    names = list(TYPES)
    expected = pl.Schema({**TYPES, **(PLACES if located else {})})
    head = history.append(*numbered(1))
    for frame in (
        scan(history.table, None, names, located=located),
        scan(history.table, head, names, located=located),
        scan(history.table, head, names, located=located, keys=by_id()),
        scan(history.table, head, names, located=located, keys=by_id(99)),
        scan(history.table, head, names, located=located, where=pl.col("id") > 1),
        scan(history.table, history.delta(history.places()), names, located=located),
    ):
        assert frame.schema == expected


def test_columns_come_in_the_order_asked_for_and_no_others(history: RowHistory) -> None:
    head = history.append(*numbered(1, kind="a"))
    frame = scan(history.table, head, ["kind", "id"], where=pl.col("at") == day(1), keys=by_id(1))
    assert frame.columns == ["kind", "id"]
    assert frame.rows() == [("a", 1)]


def test_deleted_rows_are_not_there(history: RowHistory) -> None:
    history.append(*numbered(1, 2, 3))
    history.append(*numbered(4, 5))
    places = history.places()
    head = history.delta([places[1], places[4]])
    assert Counter(scan(history.table, head, ["id"])["id"]) == Counter([1, 3, 4])


def test_a_row_is_found_again_where_it_is(history: RowHistory) -> None:
    history.append(*numbered(1, 2, 3))
    history.append(*numbered(4, 5))
    history.delta([history.places()[0]])
    head = history.append(*numbered(6))
    frame = scan(history.table, head, ["id"], located=True)
    places = {(path, position): (number,) for number, path, position in frame.rows()}
    assert places == {place: history.row(place, ["id"]) for place in history.places()}


def test_a_key_is_looked_for_only_where_it_may_be(history: RowHistory) -> None:
    history.append(*numbered(1, 2, 3))
    history.append(*numbered(4, 9))
    head = history.append(*numbered(10, 11))
    assert found(history, head, by_id(5), files=1) == []
    assert found(history, head, by_id(2, 11), files=2) == [11, 2]
    assert found(history, head, by_id(0, 12), files=0) == []


def test_null_is_a_key_like_any_other(history: RowHistory) -> None:
    history.append(*numbered(1, 2))
    history.append(*numbered(None, 3))
    head = history.append(*numbered(None, None))
    assert found(history, head, by_id(None), files=2) == [None] * 3
    assert found(history, head, by_id(3), files=1) == [3]


def test_a_key_that_its_column_cannot_hold_is_no_row(history: RowHistory) -> None:
    head = history.append(*numbered(1, None))
    assert found(history, head, by_id(2**40, 1), files=1) == [1]


def test_a_key_of_several_parts_is_one_row_of_the_frame(history: RowHistory) -> None:
    head = history.append(
        *numbered(1, 2, None, kind="a"), *numbered(1, 2, kind="b"), *numbered(1, None)
    )
    frame = pl.DataFrame(
        {"n": [1, 2, None], "k": ["a", "b", None]}, schema_overrides={"n": pl.Int32}
    )
    keys = Keys(frame, {"n": pl.col("id"), "k": pl.col("kind")})
    rows = scan(history.table, head, ["id", "kind"], keys=keys).rows()
    assert Counter(rows) == Counter([(1, "a"), (2, "b"), (None, None)])


def test_rows_that_have_the_parts_of_different_keys_are_not_decoded(history: RowHistory) -> None:
    history.append(*numbered(1, 2, kind="a"))
    frame = pl.DataFrame({"n": [1, 2], "k": ["a", "b"]}, schema_overrides={"n": pl.Int32})
    keys = Keys(frame, {"n": pl.col("id"), "k": pl.col("kind")})
    condition = keys.condition(Columns.of(history.table, ["id", "kind"]))
    rows = pl.DataFrame({"id": [1, 1, 2, 2], "kind": ["a", "b", "a", "b"]})
    assert rows.cast({"id": pl.Int32}).filter(condition).rows() == [(1, "a"), (2, "b")]


def test_a_key_may_be_computed_and_bounded(history: RowHistory) -> None:
    history.append(*numbered(1, on=1))
    history.append(*numbered(2, on=2))
    head = history.append(*numbered(3, on=3))
    frame = pl.DataFrame({"day": [date(2026, 1, 2)]})
    keys = Keys(frame, {"day": pl.col("at").dt.date()})
    assert found(history, head, keys, files=3) == [2]
    bounded = Keys(frame, keys.by, {"at": (day(2), day(2, 23))})
    assert found(history, head, bounded, files=1) == [2]


def test_partitions_are_pruned_where_there_are_no_bounds(daily: RowHistory) -> None:
    with daily.table.transaction() as transaction:
        transaction.set_properties({"write.metadata.metrics.default": "counts"})
    head = daily.append(*numbered(1, on=1), *numbered(2, on=2), *numbered(3, on=3))
    assert not any(live.file.lower_bounds for live in live_files(daily.table, head).data.values())
    frame = pl.DataFrame({"at": [day(2), day(3)]})
    assert found(daily, head, Keys(frame, {"at": pl.col("at")}), files=2) == [2, 3]
    unbounded = Keys(frame.head(1), {"at": pl.col("at").dt.truncate("1d")})
    assert found(daily, head, unbounded, files=3) == [2]
    bounded = Keys(unbounded.frame, unbounded.by, {"at": (day(2), day(2, 23))})
    assert found(daily, head, bounded, files=1) == [2]


def test_old_and_new_partition_specs_are_pruned_each_by_its_own(daily: RowHistory) -> None:
    daily.append(*numbered(1, on=1), *numbered(2, on=2))
    with daily.table.update_spec() as update:
        update.remove_field("at_day")
        update.add_identity("kind")
    head = daily.append(*numbered(3, on=2, kind="a"), *numbered(4, on=2, kind="b"))
    on_day = Keys(pl.DataFrame({"at": [day(2)]}), {"at": pl.col("at")})
    assert found(daily, head, on_day, files=3) == [2, 3, 4]
    of_kind = Keys(pl.DataFrame({"kind": ["b"]}), {"kind": pl.col("kind")})
    assert found(daily, head, of_kind, files=1) == [4]
    without = Keys(pl.DataFrame({"kind": [None]}, schema={"kind": pl.String}), of_kind.by)
    assert found(daily, head, without, files=2) == [1, 2]
    head = daily.append(*numbered(5, on=3))
    assert found(daily, head, without, files=3) == [1, 2, 5]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("id", [-5, 0, 7]),
        ("kind", ["a" * 40, "a" * 40 + "b", "b" * 20]),
        ("kind", ["", "é", "\U0001f600"]),
        ("amount", [Decimal("-10.00"), Decimal("0.05"), Decimal("99999.99")]),
        ("at", [day(1), day(2), day(3)]),
    ],
)
def test_every_type_that_prunes_finds_its_rows(
    history: RowHistory, column: str, values: list[object]
) -> None:
    for value in values:
        head = history.append({"at": day(9), column: value})
    for value in values:
        keys = Keys(pl.DataFrame({"key": [value]}), {"key": pl.col(column)})
        assert scan(history.table, head, [column], keys=keys)[column].to_list() == [value]
        bounded = Keys(keys.frame, keys.by, {column: (value, value)})
        assert scan(history.table, head, [column], keys=bounded)[column].to_list() == [value]
        both = Keys(keys.frame.with_columns(year=2026), {**keys.by, "year": pl.col("at").dt.year()})
        assert scan(history.table, head, [column], keys=both)[column].to_list() == [value]
    assert found(history, head, Keys(keys.frame, keys.by), files=1, column=column) == [value]


def test_positions_are_right_across_row_groups_and_files(history: RowHistory) -> None:
    with history.table.transaction() as transaction:
        transaction.set_properties({"write.parquet.row-group-limit": "7"})
    files = [*history.write(numbered(*range(50))), *history.write(numbered(*range(50, 90)))]
    assert [len(file.split_offsets or ()) for file in files] == [8, 6]
    head = history.add(files)
    places = history.places()
    head = history.delta([places[3], places[30], places[60]])
    keys = by_id(2, 3, 30, 31, 60, 61, 89)
    frame = scan(history.table, head, ["id"], keys=keys, located=True)
    assert Counter(frame.rows()) == Counter((number, *places[number]) for number in (2, 31, 61, 89))


def test_stats_add_up(history: RowHistory) -> None:
    head = history.append(*numbered(1, 2))
    stats = ReadStats()
    scan(history.table, head, ["id"], stats=stats)
    one_column = stats.bytes
    scan(history.table, head, ["id", "at"], stats=stats)
    assert (stats.files, stats.rows) == (2, 4)
    (live,) = live_files(history.table, head).data.values()
    assert 0 < one_column < stats.bytes - one_column < live.file.file_size_in_bytes
