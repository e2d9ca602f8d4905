"""What a build reads of stored rows whose difference is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import pytest

from services.transformer.framework.frames import FILE, POSITION, computed
from services.transformer.framework.narrow import overtaking, succeeding
from services.transformer.framework.transform import Group
from shared.lake.reading.keys import Keys
from shared.runtime.errors import CheckFailed
from tests.support.memory_lake import MemoryLake
from tests.unit.transformer.framework import toys
from tests.unit.transformer.framework.test_build import EVENTS, ITEMS, TOTALS, build, events, whole

NARROW = ("id", "changed", "last_seen", "first_seen")


class Asked(MemoryLake):
    """Remembers which keys and columns of targets were read."""

    def __init__(self) -> None:
        super().__init__(toys.TABLES)
        self.reads: list[tuple[list[object], tuple[str, ...] | None]] = []

    def stored(
        self,
        table: str,
        snapshot_id: int | None,
        keys: Keys | None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        if keys is not None:
            wanted = sorted(keys.frame.to_series().to_list())
            self.reads.append((wanted, None if columns is None else tuple(columns)))
        return super().stored(table, snapshot_id, keys, columns)


def folded(*rows: tuple[int, int, int, int]) -> Asked:
    lake = Asked()
    lake.write(EVENTS, events(*rows))
    build(lake, toys.ITEM_FOLD)
    lake.reads = []
    return lake


def test_of_what_later_versions_replace_only_what_decides_is_read() -> None:
    lake = folded((1, 1, 10, 1), (2, 1, 20, 1))
    lake.write(EVENTS, events((1, 1, 11, 2), (3, 1, 30, 1)))
    build(lake, toys.ITEM_FOLD)
    assert lake.reads == [([1, 3], NARROW)]


def test_of_what_repeats_or_comes_late_all_is_read() -> None:
    lake = folded((1, 1, 10, 5), (2, 1, 20, 5), (3, 1, 30, 5))
    lake.write(EVENTS, events((1, 1, 10, 5), (2, 1, 21, 4), (3, 1, 31, 6)))
    result = build(lake, toys.ITEM_FOLD)
    assert lake.reads == [([1, 2, 3], NARROW), ([1, 2], None)]
    assert sorted(result.appended.select("id", "amount", "first_seen").rows()) == [
        (2, 20, 4), (3, 31, 5),
    ]  # fmt: skip


def test_a_stored_row_that_is_there_twice_overtakes_as_one() -> None:
    lake = folded((1, 1, 10, 5))
    twice = lake.tables[ITEMS].rows
    lake.write(ITEMS, twice)
    late = twice.select(computed(toys.ITEMS)).with_columns(changed=pl.lit(4, pl.Int64))
    found = overtaking(toys.ITEM_FOLD, late, lake.target(ITEMS), lake)
    assert (found.appended.height, found.deleted.height) == (0, 0)


def whole_group() -> Group:
    (route,) = toys.TOTAL_GROUP.routes
    return replace(toys.TOTAL_GROUP, routes=(replace(route, whole=True),), build=whole)


def test_of_groups_of_single_rows_only_keys_are_read_of_those_that_differ() -> None:
    group, lake = whole_group(), folded((1, 1, 10, 1), (2, 2, 20, 1))
    build(lake, group)
    lake.write(EVENTS, events((1, 1, 11, 2), (2, 2, 20, 2), (3, 3, 30, 1)))
    build(lake, toys.ITEM_FOLD)
    lake.reads = []
    result = build(lake, group)
    days = [row[0] for row in result.appended.sort("day").select("day").rows()]
    assert [day.day for day in days] == [1, 3]
    assert lake.reads == [(days, ("day",))]
    assert result.deleted.height == 1


def test_other_keys_than_expected_are_compared_in_full() -> None:
    group, lake = whole_group(), folded((1, 1, 10, 1), (2, 2, 20, 1))
    build(lake, group)
    lake.write(EVENTS, events((1, 1, 11, 2)))
    build(lake, toys.ITEM_FOLD)
    lake.write(TOTALS, lake.tables[TOTALS].rows.filter(pl.col("amount") == 10))
    result = build(lake, group)
    assert lake.reads[-1][1] is None
    assert (result.appended.height, result.deleted.height) == (1, 2)
    assert sorted(lake.tables[TOTALS].rows["amount"].to_list()) == [11, 20]


def test_rows_that_repeat_a_key_are_found_out() -> None:
    lake = folded((1, 1, 10, 1))
    rows = pl.concat([lake.tables[ITEMS].rows.select(computed(toys.ITEMS))] * 2)
    with pytest.raises(CheckFailed, match="more than one row"):
        succeeding(toys.ITEMS, rows.clear(), rows, lake.target(ITEMS), lake)


def test_what_goes_is_named_by_its_place() -> None:
    lake = folded((1, 1, 10, 1), (2, 1, 20, 1))
    rows = lake.tables[ITEMS].rows.select(computed(toys.ITEMS))
    gone = rows.filter(pl.col("id") == 2)
    found = succeeding(toys.ITEMS, gone, rows.clear(), lake.target(ITEMS), lake)
    assert found is not None
    place = lake.stored(ITEMS, lake.target(ITEMS).snapshot_id, None).filter(pl.col("id") == 2)
    assert found.deleted.rows() == place.select(FILE, POSITION).rows()
    assert (found.appended.height, found.kept) == (0, 0)
