"""Rows of a derived table become sorted files, each of one partition, each within its size."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import DataFile

from shared.lake import data_files
from shared.lake.data_files import write_portions, write_rows
from shared.runtime.errors import Refused
from shared.tables.spec import (
    Column,
    Derivation,
    Grain,
    Kind,
    Partitioning,
    TableSpec,
    Type,
)
from tests.support.lake import Lake

COLUMNS = (
    Column("id", Type.LONG, 1, required=True),
    Column("at", Type.TIMESTAMP, 2),
    Column("day", Type.DATE, 3),
    Column("currency", Type.STRING, 4),
)


def derived(by: Partitioning | None, sort: tuple[str, ...] = ("id",)) -> TableSpec:
    derivation = Derivation(Kind.FOLD, ("raw.events",), ("id",), sort)
    return TableSpec("core.things", (), COLUMNS, by, "A derived table.", derived=derivation)


ROWS = pl.DataFrame(
    {
        "currency": ["EUR", "USD", None, "EUR"],
        "day": [date(1969, 12, 31), date(2026, 1, 31), None, date(2026, 2, 1)],
        "at": [
            datetime(1969, 12, 31, 23, 59, tzinfo=UTC),
            datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC),
            None,
            datetime(2026, 2, 1, tzinfo=UTC),
        ],
        "id": [4, 3, 2, 1],
    },
    schema_overrides={"at": pl.Datetime("us", "UTC")},
)


def written(directory: Path, spec: TableSpec, target_bytes: int = 1 << 30) -> list[DataFile]:
    lake = Lake(directory, spec)
    return write_rows(lake.table, spec, ROWS.to_arrow(), target_bytes=target_bytes)


def ids(file: DataFile) -> list[int]:
    found: list[int] = pq.read_table(file.file_path.removeprefix("file://"))["id"].to_pylist()
    return found


def test_rows_without_partitions_are_one_sorted_file(tmp_path: Path) -> None:
    (file,) = written(tmp_path, derived(None))
    assert ids(file) == [1, 2, 3, 4]
    assert len(file.partition) == 0
    assert file.record_count == 4


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (Partitioning("at", Grain.DAY), {-1: [4], 20484: [3], 20485: [1], None: [2]}),
        (Partitioning("day", Grain.DAY), {-1: [4], 20484: [3], 20485: [1], None: [2]}),
        (Partitioning("at", Grain.MONTH), {-1: [4], 672: [3], 673: [1], None: [2]}),
        (Partitioning("day", Grain.MONTH), {-1: [4], 672: [3], 673: [1], None: [2]}),
        (Partitioning("day", Grain.IDENTITY), {-1: [4], 20484: [3], 20485: [1], None: [2]}),
        (Partitioning("currency", Grain.IDENTITY), {"EUR": [1, 4], "USD": [3], None: [2]}),
    ],
)
def test_a_file_holds_one_partition(
    tmp_path: Path, by: Partitioning, expected: dict[Any, list[int]]
) -> None:
    files = written(tmp_path, derived(by))
    assert {file.partition[0]: ids(file) for file in files} == expected


def test_a_full_file_ends_and_the_order_goes_on_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_files, "ROW_GROUP_ROWS", 2)
    assert [ids(file) for file in written(tmp_path / "a", derived(None), 1)] == [[1, 2], [3, 4]]
    assert [ids(file) for file in written(tmp_path / "b", derived(None))] == [[1, 2, 3, 4]]


def test_no_rows_are_no_file(tmp_path: Path) -> None:
    lake = Lake(tmp_path, derived(None))
    assert write_rows(lake.table, lake.spec, ROWS.clear().to_arrow(), target_bytes=1) == []


def test_null_where_a_value_is_required_is_an_error(tmp_path: Path) -> None:
    lake = Lake(tmp_path, derived(None))
    rows = ROWS.with_columns(id=pl.lit(None, pl.Int64)).to_arrow()
    with pytest.raises((ValueError, pa.ArrowInvalid)):
        write_rows(lake.table, lake.spec, rows, target_bytes=1)


def test_a_table_that_somebody_partitioned_otherwise_is_not_written_to(tmp_path: Path) -> None:
    lake = Lake(tmp_path, derived(Partitioning("at", Grain.DAY)))
    with pytest.raises(Refused, match="not as it was declared"):
        write_rows(
            lake.table, derived(Partitioning("at", Grain.MONTH)), ROWS.to_arrow(), target_bytes=1
        )


def test_portions_of_a_partition_share_files(tmp_path: Path) -> None:
    spec = derived(Partitioning("day", Grain.MONTH))
    lake = Lake(tmp_path, spec)
    month = ROWS.with_columns(day=pl.lit(date(2026, 2, 3)))
    parts = [month.filter(pl.col("id") <= 2), month.clear(), month.filter(pl.col("id") > 2)]
    portions = [part.to_arrow() for part in parts]
    (file,) = write_portions(lake.table, spec, iter(portions), target_bytes=1 << 30)
    assert file.partition[0] == (2026 - 1970) * 12 + 1
    assert pq.read_table(file.file_path)["id"].to_pylist() == [1, 2, 3, 4]
    several = write_portions(lake.table, spec, iter(portions), target_bytes=1)
    assert [each.record_count for each in several] == [2, 2]
    assert write_portions(lake.table, spec, iter([]), target_bytes=1) == []


def test_portions_are_of_one_partition(tmp_path: Path) -> None:
    spec = derived(Partitioning("day", Grain.MONTH))
    with pytest.raises(ValueError, match="unpack"):
        write_portions(Lake(tmp_path, spec).table, spec, [ROWS.to_arrow()], target_bytes=1)
