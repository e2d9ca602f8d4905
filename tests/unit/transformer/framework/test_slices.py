"""Touched groups in slices."""

from __future__ import annotations

from collections.abc import Sequence
from unittest.mock import patch

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from services.transformer.framework import slices
from services.transformer.framework.transform import Group
from shared.lake.provenance import SourceCut
from shared.lake.reading.keys import Keys
from tests.support.memory_lake import MemoryLake
from tests.unit.transformer.framework import toys
from tests.unit.transformer.framework.test_build import DAY, EVENTS, TOTALS, build, built, events


class OneFile(MemoryLake):
    """All rows of an input are in files that hold keys of every kind."""

    def reach(self, table: str, cut: SourceCut, keys: Keys) -> int:
        return self.height(table, cut.snapshot_id)


def sliced(group: Group, lake: MemoryLake, days: Sequence[int], most: int) -> list[list[int]]:
    groups = pl.DataFrame({"day": [DAY.replace(day=day) for day in days]})
    heads = {source.table: lake.source(source.table) for source in group.inputs}
    with patch.object(slices, "MOST_ROWS", most):
        found = slices.slices(group, groups, heads, lake)
    return [[day.day for day in each["day"]] for each in found]


@pytest.fixture
def lake() -> MemoryLake:
    """Four days with two items each."""
    return built(*((number, 1 + number // 2, 10, 1) for number in range(8)))


def test_groups_with_few_rows_are_computed_at_once(lake: MemoryLake) -> None:
    assert sliced(toys.TOTAL_GROUP, lake, [3, 1, 2, 4], 8) == [[3, 1, 2, 4]]


def test_groups_with_many_rows_are_cut_between_neighbours(lake: MemoryLake) -> None:
    assert sliced(toys.TOTAL_GROUP, lake, [3, 1, 2, 4], 4) == [[1, 2], [3, 4]]
    assert sliced(toys.TOTAL_GROUP, lake, [3, 1, 2, 4], 1) == [[1], [2], [3], [4]]


def test_groups_that_no_file_tells_apart_are_not_cut(lake: MemoryLake) -> None:
    mixed = OneFile(lake.specs)
    mixed.tables = lake.tables
    assert sliced(toys.TOTAL_GROUP, mixed, [3, 1, 2, 4], 1) == [[1, 2, 3, 4]]


def test_slices_make_the_same_table(lake: MemoryLake) -> None:
    lake.write(EVENTS, events((0, 1, 11, 2), (7, 2, 5, 2), (9, 9, 1, 1)))
    build(lake, toys.ITEM_FOLD)
    with patch.object(slices, "MOST_ROWS", 1):
        result = build(lake, toys.TOTAL_GROUP)
    assert result.groups == 4
    columns = ["day", "items", "amount"]
    found = lake.tables[TOTALS].rows.select(columns)
    assert_frame_equal(found, lake.rebuilt(toys.TOTAL_GROUP).select(columns), check_row_order=False)
