"""Computed rows by partition: few portions each, in the order in which files are sorted."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from services.transformer.framework.frames import computed, schema
from services.transformer.framework.gathered import Further, Gathered
from services.transformer.framework.room import Room
from shared.tables.spec import Column, Derivation, Grain, Kind, Partitioning, TableSpec, Type
from tests.support.memory_lake import NOW

ROWS = 2000


def spec(by: Partitioning | None, sort: tuple[str, ...]) -> TableSpec:
    columns = (
        Column("id", Type.LONG, 1),
        Column("day", Type.DATE, 2),
        Column("at", Type.TIMESTAMP, 3),
    )
    derived = Derivation(Kind.FOLD, ("toys.events",), ("id",), sort, stamped=("at",))
    return TableSpec("toys.things", (), columns, by, "A toy.", derived=derived)


def rows(table: TableSpec) -> pl.DataFrame:
    numbers = pl.int_range(ROWS, eager=True).shuffle(1)
    days = [date(2024, 1, 12) + timedelta(days=number // 25) for number in numbers.to_list()]
    frame = pl.DataFrame({"id": numbers, "day": days})
    ids = pl.when(pl.col("id") == 7).then(None).otherwise(pl.col("id"))
    return frame.with_columns(ids.alias("id")).cast(schema(table, computed(table)))


def gathered(table: TableSpec, portion: int, directory: Path) -> Further:
    found = Gathered(table, Room(portion, lambda: directory))
    for part in rows(table).iter_slices(100):
        found.differ(part)
    held, further = found.result(everything=True)
    assert held.is_empty()
    assert further is not None
    return further.stamped(NOW)


def read(further: Further) -> list[list[pl.DataFrame]]:
    return [[pl.DataFrame(each) for each in portions] for portions in further.partitions()]


def test_a_partition_that_can_be_held_is_one_portion(tmp_path: Path) -> None:
    table = spec(Partitioning("day", Grain.MONTH), ("id",))
    found = read(gathered(table, 23_000, tmp_path))
    assert [len(portions) for portions in found] == [1, 1, 1]
    months = [each["day"].dt.month().unique().to_list() for (each,) in found]
    assert sorted(months) == [[1], [2], [3]]
    every = pl.concat(each for (each,) in found)
    assert every.schema == schema(table)
    assert every["at"].unique().to_list() == [NOW]
    assert every.drop("at").sort("id").equals(rows(table).sort("id"))


@pytest.mark.parametrize("sort", [("id",), ("day", "id")])
def test_a_larger_one_comes_in_portions_one_after_another(
    tmp_path: Path, sort: tuple[str, ...]
) -> None:
    table = spec(None, sort)
    further = gathered(table, 6000, tmp_path)
    (portions,) = read(further)
    assert further.height == sum(map(len, portions)) == ROWS
    assert 4 <= len(portions) <= 16
    assert max(map(len, portions)) <= 2 * ROWS / len(portions)
    values = [each[sort[0]].drop_nulls().sort().to_list() for each in portions]
    assert all(earlier[-1] <= later[0] for earlier, later in pairwise(values))
    assert sum(each["id"].null_count() for each in portions) == 1
    if sort == ("id",):
        assert portions[-1]["id"].null_count() == 1, "null comes last"
    (again,) = read(further)
    assert [each.height for each in again] == [each.height for each in portions]


def test_rows_that_are_stored_come_only_when_everything_is_written(tmp_path: Path) -> None:
    table = spec(None, ("id",))
    for everything, height in ((False, ROWS), (True, 2 * ROWS)):
        found = Gathered(table, Room(10_000, lambda: tmp_path))
        found.differ(rows(table))
        found.same(rows(table))
        _, further = found.result(everything=everything)
        assert further is not None
        (portions,) = read(further.stamped(NOW))
        assert further.height == sum(map(len, portions)) == height
