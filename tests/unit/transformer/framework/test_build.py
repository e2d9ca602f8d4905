"""Which rows a build reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from services.transformer.framework.build import Result, compute
from services.transformer.framework.frames import conform, difference, schema
from services.transformer.framework.plan import Nothing
from services.transformer.framework.transform import Fold, Frames, Group, Transform
from shared.lake.provenance import SourceCut
from shared.lake.reading.keys import Keys
from shared.runtime.errors import CheckFailed
from tests.support.memory_lake import IDENTITY, NOW, MemoryLake
from tests.unit.transformer.framework import toys

EVENTS, ITEMS, TOTALS = toys.EVENTS.name, toys.ITEMS.name, toys.TOTALS.name
DAY = date(2024, 1, 1)


class Watched(MemoryLake):
    """Remembers what was read of inputs by key, and whether everything was."""

    def __init__(self) -> None:
        super().__init__(toys.TABLES)
        self.asked: list[pl.DataFrame] = []
        self.whole_reads = 0

    def scan(
        self, table: str, cut: SourceCut, columns: Sequence[str], keys: Keys, *, located: bool
    ) -> pl.DataFrame:
        self.asked.append(keys.frame)
        return super().scan(table, cut, columns, keys, located=located)

    def chunks(self, table: str, cut: SourceCut, columns: Sequence[str]) -> Any:
        self.whole_reads += 1
        return super().chunks(table, cut, columns)


def events(*rows: tuple[int, int, int, int]) -> pl.DataFrame:
    """(id, day of the month, amount, changed)."""
    return pl.DataFrame(
        [
            {
                "id": id_,
                "day": DAY.replace(day=day),
                "amount": amount,
                "changed": changed,
                "seen": changed,
                "arrived": 0,
                "error": None,
            }
            for id_, day, amount, changed in rows
        ],
        schema=schema(toys.EVENTS),
    )


def build(lake: MemoryLake, transform: Transform) -> Result:
    result = lake.build(transform, DAY)
    assert result is not None
    return result


def built(*rows: tuple[int, int, int, int]) -> Watched:
    lake = Watched()
    lake.write(EVENTS, events(*rows))
    for transform in toys.TRANSFORMS.values():
        lake.build(transform, DAY)
    lake.asked, lake.whole_reads = [], 0
    return lake


def test_a_fold_reads_no_source_row_again() -> None:
    lake = built((1, 1, 10, 1), (2, 1, 20, 1))
    lake.write(EVENTS, events((1, 2, 11, 2)))
    result = build(lake, toys.ITEM_FOLD)
    assert (lake.asked, lake.whole_reads) == ([], 0)
    assert result.appended.select("id", "amount", "first_seen", "last_seen").rows() == [
        (1, 11, 1, 2)
    ]
    assert result.deleted.height == 1


def test_a_late_version_changes_only_what_folds_by_itself() -> None:
    lake = built((1, 1, 10, 5))
    lake.write(EVENTS, events((1, 2, 99, 3)))
    result = build(lake, toys.ITEM_FOLD)
    assert result.appended.select("amount", "first_seen", "last_seen").rows() == [(10, 3, 5)]


def test_a_repeated_row_writes_nothing() -> None:
    lake = built((1, 1, 10, 5))
    lake.write(EVENTS, events((1, 1, 10, 5)))
    assert build(lake, toys.ITEM_FOLD).unchanged


@pytest.mark.parametrize("by", [toys.ITEM_FOLD.by, {}], ids=["by key", "everything"])
def test_keys_of_removed_rows_are_folded_anew_from_what_is_left(by: Any) -> None:
    lake = built((1, 1, 10, 1), (2, 1, 20, 1))
    before = lake.tables[EVENTS].head
    lake.write(EVENTS, events((1, 1, 11, 2), (3, 1, 30, 1)))
    fold: Fold = replace(toys.ITEM_FOLD, by=by)
    build(lake, fold)
    assert before is not None
    lake.rollback(EVENTS, before)
    result = build(lake, fold)
    assert lake.whole_reads == (0 if by else 1)
    assert sorted(lake.tables[ITEMS].rows.select("id", "amount").rows()) == [(1, 10), (2, 20)]
    assert (result.appended.height, result.deleted.height) == (1, 2)


def test_a_group_is_read_for_old_and_new_versions_of_changed_rows() -> None:
    lake = built((1, 1, 10, 1), (2, 1, 20, 1), (3, 3, 30, 1))
    lake.write(EVENTS, events((1, 2, 10, 2)))
    build(lake, toys.ITEM_FOLD)
    build(lake, toys.TOTAL_GROUP)
    assert [sorted(frame["day"].to_list()) for frame in lake.asked] == [
        [DAY, DAY.replace(day=2)],
    ]
    assert lake.tables[TOTALS].rows.sort("day")["amount"].to_list() == [20, 10, 30]


def test_a_group_whose_rows_are_gone_is_gone() -> None:
    lake = built((1, 1, 10, 1), (2, 2, 20, 1))
    lake.write(EVENTS, events((2, 1, 20, 2)))
    build(lake, toys.ITEM_FOLD)
    build(lake, toys.TOTAL_GROUP)
    assert lake.tables[TOTALS].rows["day"].to_list() == [DAY]


def test_a_change_that_a_group_does_not_show_stops_the_wave() -> None:
    lake = built((1, 1, 10, 1), (2, 1, 20, 1))
    lake.write(EVENTS, events((1, 1, 20, 2), (2, 1, 10, 2)))
    assert build(lake, toys.ITEM_FOLD).appended.height == 2
    assert build(lake, toys.TOTAL_GROUP).unchanged


def test_what_other_days_need_of_a_window_is_read_but_not_written() -> None:
    lake = built((1, 1, 10, 1), (2, 2, 20, 1), (3, 3, 30, 1), (4, 9, 1, 1))
    lake.write(EVENTS, events((3, 3, 31, 2)))
    for name in (ITEMS, TOTALS):
        build(lake, toys.TRANSFORMS[name])
    result = build(lake, toys.WINDOW_GROUP)
    assert result.appended.select("day", "amount").rows() == [(DAY.replace(day=3), 61)]


def whole(frames: Frames, as_of: date | None) -> pl.DataFrame:
    return frames[ITEMS].select("day", items=pl.lit(1, pl.Int32), amount="amount")


def test_added_rows_of_a_whole_route_are_not_read_again() -> None:
    (route,) = toys.TOTAL_GROUP.routes
    group: Group = replace(toys.TOTAL_GROUP, routes=(replace(route, whole=True),), build=whole)
    lake = Watched()
    lake.write(EVENTS, events((1, 1, 10, 1), (2, 2, 20, 1)))
    build(lake, toys.ITEM_FOLD)
    build(lake, group)
    lake.write(EVENTS, events((1, 1, 11, 2), (3, 3, 5, 1)))
    build(lake, toys.ITEM_FOLD)
    build(lake, group)
    assert lake.asked == []
    assert lake.tables[TOTALS].rows.sort("day")["amount"].to_list() == [11, 20, 5]


def test_a_key_that_had_two_rows_is_there_when_the_wrong_one_goes() -> None:
    """Somebody damaged the input, its group was built from that, and the damage was mended."""
    (route,) = toys.TOTAL_GROUP.routes
    group: Group = replace(toys.TOTAL_GROUP, routes=(replace(route, whole=True),), build=whole)
    lake = Watched()
    lake.write(EVENTS, events((1, 1, 10, 1)))
    build(lake, toys.ITEM_FOLD)
    build(lake, group)
    right = lake.tables[ITEMS].rows
    lake.write(ITEMS, right.with_columns(id=pl.lit(2, pl.Int64), amount=pl.lit(99, pl.Int64)))
    build(lake, group)
    head = lake.tables[ITEMS].head
    assert head is not None
    lake.write(ITEMS, right.clear(), gone=head.rows.filter(pl.col("id") == 2)[IDENTITY])
    build(lake, group)
    assert lake.tables[TOTALS].rows["amount"].to_list() == [10]


def test_a_tick_touches_every_group_and_writes_those_that_differ() -> None:
    lake = built((1, 1, 10, 1), (2, 2, 20, 1))
    result = lake.build(toys.WINDOW_GROUP, DAY + timedelta(days=1))
    assert result is not None
    assert (result.groups, result.appended.height) == (2, 2)
    assert lake.build(toys.WINDOW_GROUP, DAY + timedelta(days=1)) is None


def test_a_closure_joins_and_splits() -> None:
    lake = Watched()
    links, nodes = toys.LINKS.name, toys.COMPONENTS.name

    def linked(*pairs: str) -> pl.DataFrame:
        ends = [{"one": pair[0], "other": pair[1]} for pair in pairs]
        return pl.DataFrame(ends, schema=schema(toys.LINKS))

    lake.write(links, linked("ab", "cd", "xy"))
    build(lake, toys.COMPONENT_CLOSURE)
    lake.write(links, linked("bc"))
    joined = build(lake, toys.COMPONENT_CLOSURE)
    assert sorted(joined.appended["node"].to_list()) == ["c", "d"]
    head = lake.tables[links].head
    assert head is not None
    gone = head.rows.filter(pl.col("one") == "b")[IDENTITY]
    lake.write(links, linked("de"), gone=gone)
    build(lake, toys.COMPONENT_CLOSURE)
    assert dict(lake.tables[nodes].rows.rows()) == {
        "a": "a", "b": "a", "c": "c", "d": "c", "e": "c", "x": "x", "y": "x",
    }  # fmt: skip


def test_new_rows_are_stamped_and_stamps_make_no_difference() -> None:
    lake = built((1, 1, 10, 1), (2, 1, 20, 1))
    later = datetime(2030, 1, 1, tzinfo=UTC)
    lake.write(EVENTS, events((2, 1, 21, 2)))
    lake.build(toys.ITEM_FOLD, DAY, now=later)
    assert dict(lake.tables[ITEMS].rows.select("id", "staged_at").rows()) == {1: NOW, 2: later}


def test_a_full_build_writes_only_rows_that_differ() -> None:
    lake = built(*((n, 1, n, 1) for n in range(10)))
    head = lake.tables[ITEMS].head
    assert head is not None
    lake.write(ITEMS, head.rows.clear(), gone=head.rows[IDENTITY][:2], foreign=1)
    result = build(lake, toys.ITEM_FOLD)
    assert (result.appended.height, result.deleted.height, result.replaces) == (2, 0, False)


def test_a_full_build_replaces_a_table_most_of_whose_rows_differ() -> None:
    lake = built(*((n, 1, n, 1) for n in range(10)))
    lake.recreate(EVENTS)
    lake.write(EVENTS, events((0, 1, 0, 1), (77, 1, 1, 1)))
    result = build(lake, toys.ITEM_FOLD)
    assert (result.replaces, result.removed) == (True, 10)
    assert sorted(lake.tables[ITEMS].rows["id"].to_list()) == [0, 77]


def test_a_large_fold_goes_through_its_source_in_portions() -> None:
    lake = MemoryLake(toys.TABLES, chunk=1)
    lake.write(EVENTS, events(*((n % 3, 1, n, n) for n in range(9))))
    build(lake, toys.ITEM_FOLD)
    assert sorted(lake.tables[ITEMS].rows.select("id", "amount", "first_seen").rows()) == [
        (0, 6, 0), (1, 7, 1), (2, 8, 2),
    ]  # fmt: skip


def test_a_build_tells_how_large_the_largest_group_is() -> None:
    lake = built((1, 1, 10, 1), (2, 1, 20, 1), (3, 1, 5, 1), (4, 2, 1, 1))
    todo = lake.plan(replace(toys.TOTAL_GROUP, version=2), DAY)
    assert not isinstance(todo, Nothing)
    assert compute(toys.TOTAL_GROUP, todo, lake, NOW).largest == 3


def rows(*values: tuple[int | None, int | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"day": None if day is None else DAY.replace(day=day), "items": 1, "amount": amount}
            for day, amount in values
        ],
        schema=schema(toys.TOTALS),
    )


def stored(*values: tuple[int | None, int | None]) -> pl.DataFrame:
    return rows(*values).with_columns(
        _file=pl.lit("file"), _pos=pl.int_range(len(values), dtype=pl.Int64)
    )


def test_null_equals_null_when_rows_are_compared() -> None:
    found = difference(stored((None, None), (1, None)), rows((None, None), (1, 7)), toys.TOTALS)
    assert found.appended["amount"].to_list() == [7]
    assert found.deleted["_pos"].to_list() == [1]
    assert found.kept == 1


def test_of_stored_rows_that_repeat_one_another_one_stays() -> None:
    found = difference(stored((1, 5), (1, 5), (1, 5)), rows((1, 5)), toys.TOTALS)
    assert (found.appended.height, found.deleted.height) == (0, 2)


def test_a_function_that_repeats_a_key_is_found_out() -> None:
    with pytest.raises(CheckFailed, match="more than one row for"):
        difference(stored(), rows((1, 5), (1, 6)), toys.TOTALS)


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        (rows((1, 1)).drop("items"), r"misses \['items'\]"),
        (rows((1, 1)).with_columns(more=pl.lit(1)), r"gives \['more'\]"),
        (rows((1, 1)).cast({"amount": pl.Float64}), "gives amount as Float64"),
        (rows((1, 1)).with_columns(items=pl.lit(2**40)), "does not fit"),
    ],
)
def test_a_function_gives_what_the_table_declares(frame: pl.DataFrame, complaint: str) -> None:
    with pytest.raises(CheckFailed, match=complaint):
        conform(frame, toys.TOTALS)


def test_narrower_integers_and_columns_of_nothing_fit() -> None:
    given = rows((1, 1)).with_columns(items=pl.lit(2, pl.Int8), amount=pl.lit(None))
    assert conform(given, toys.TOTALS).schema == schema(toys.TOTALS)
