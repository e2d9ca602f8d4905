"""A data file is readable by every engine, and its statistics tell what is in it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile, FileFormat
from pyiceberg.transforms import MonthTransform

from shared.lake.commit import Append, Head, commit
from shared.lake.landing_files import write_data_file
from shared.lake.schema import arrow_schema
from shared.runtime.errors import Refused
from shared.tables.raw.landing import landing_table
from shared.tables.spec import TableSpec, Type
from tests.support.lake import LOG, TOPIC, Lake, rows

EVERY_TYPE = landing_table(
    "raw.every_type",
    TOPIC,
    "A column of every type.",
    (
        (Type.STRING, "text"),
        (Type.INT, "small"),
        (Type.LONG, "large"),
        (Type.BOOLEAN, "flag"),
        (Type.TIMESTAMP, "moment"),
        (Type.DECIMAL_18_2, "money"),
        (Type.JSON, "document"),
    ),
)
DAY = date(2026, 2, 3)
VALUES: dict[str, list[Any]] = {
    "_topic": [TOPIC] * 3,
    "_partition": [0, 0, 1],
    "_offset": [7, 8, 2**40],
    "_loaded_at": [datetime(2026, 2, 3, 4, 5, 6, 789, UTC)] * 3,
    "_replayed": [False, True, False],
    "_payload_bytes": [None, b"\xff\x00", None],
    "text": ["", "naïve 💶\n", None],
    "small": [-(2**31), 2**31 - 1, None],
    "large": [-(2**63), 2**63 - 1, None],
    "flag": [True, False, None],
    "moment": [datetime(1969, 12, 31, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 1, UTC), None],
    "money": [Decimal("-9999999999999999.99"), Decimal("0.10"), None],
    "document": ['{"a":1}', "[]", None],
}


def table_of(spec: TableSpec, values: dict[str, list[Any]]) -> pa.Table:
    schema, count = arrow_schema(spec), len(values["_topic"])
    return pa.table(
        [
            pa.array(values[field.name], field.type)
            if field.name in values
            else pa.nulls(count, field.type)
            for field in schema
        ],
        schema=schema,
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path, EVERY_TYPE)


@pytest.fixture
def file(lake: Lake) -> DataFile:
    """Three rows, named by a snapshot."""
    handle = lake.handle()
    written = write_data_file(handle.table, table_of(EVERY_TYPE, VALUES), DAY)

    def decide(head: Head, _: bool) -> Append:
        assert head.recorded.positions is not None
        return Append([written], head.recorded.positions)

    commit(handle, decide, commit_id="one", writer="test")
    return written


def path_of(file: DataFile) -> str:
    return file.file_path.removeprefix("file://")


def test_it_is_described_as_it_is(lake: Lake, file: DataFile) -> None:
    assert file.file_format is FileFormat.PARQUET
    assert file.record_count == 3
    assert file.file_size_in_bytes == Path(path_of(file)).stat().st_size
    assert file.sort_order_id == 0
    assert file.spec_id == lake.metadata.default_spec_id
    assert file.partition[0] == (DAY - date(1970, 1, 1)).days
    assert "/_loaded_at_day=2026-02-03/" in file.file_path


def test_an_unpartitioned_table_has_no_partition_in_its_files(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "plain", LOG)
    file = write_data_file(lake.table, rows(LOG, 0, range(5)), None)
    assert len(file.partition) == 0
    assert file.record_count == 5
    assert "=" not in Path(path_of(file)).name


def test_a_table_that_somebody_partitioned_otherwise_is_not_written_to(lake: Lake) -> None:
    """A day where the table expects a month would put rows where no reader looks for them."""
    with lake.table.update_spec() as spec:
        spec.remove_field("_loaded_at_day")
        spec.add_field("_loaded_at", MonthTransform(), "month")
    with pytest.raises(Refused, match="not as it was declared"):
        write_data_file(lake.table, table_of(EVERY_TYPE, VALUES), DAY)


def test_two_files_never_share_a_name(lake: Lake) -> None:
    written = {
        write_data_file(lake.table, table_of(EVERY_TYPE, VALUES), DAY).file_path for _ in range(3)
    }
    assert len(written) == 3


def test_bounds_and_counts_are_those_of_the_values(lake: Lake, file: DataFile) -> None:
    schema = lake.table.schema()

    def bounds(name: str) -> tuple[Any, Any]:
        field = schema.find_field(name)
        lower, upper = file.lower_bounds, file.upper_bounds
        assert lower is not None
        assert upper is not None
        kind: Any = field.field_type
        return from_bytes(kind, lower[field.field_id]), from_bytes(kind, upper[field.field_id])

    assert bounds("_offset") == (7, 2**40)
    assert bounds("small") == (-(2**31), 2**31 - 1)
    assert bounds("large") == (-(2**63), 2**63 - 1)
    assert bounds("flag") == (False, True)
    assert bounds("money") == (Decimal("-9999999999999999.99"), Decimal("0.10"))
    assert bounds("text")[0] == ""
    nulls, counts = file.null_value_counts, file.value_counts
    assert nulls is not None
    assert counts is not None
    for name in ("text", "small", "money", "moment"):
        assert nulls[schema.find_field(name).field_id] == 1
    assert nulls[schema.find_field("_offset").field_id] == 0
    assert set(counts.values()) == {3}
    assert set(counts) == {column.field_id for column in EVERY_TYPE.columns}


def test_every_column_carries_its_field_id(file: DataFile) -> None:
    schema = pq.read_schema(path_of(file))
    assert {field.name: int(field.metadata[b"PARQUET:field_id"]) for field in schema} == {
        column.name: column.field_id for column in EVERY_TYPE.columns
    }


def test_it_is_compressed_as_every_engine_reads_it(file: DataFile) -> None:
    group = pq.read_metadata(path_of(file)).row_group(0)
    codecs = {group.column(number).compression for number in range(group.num_columns)}
    assert codecs == {"ZSTD"}


def test_decimals_are_stored_as_the_specification_asks(file: DataFile) -> None:
    """Appendix A, Parquet: up to 18 digits as int64."""
    group = pq.read_metadata(path_of(file)).row_group(0)
    types = {
        group.column(number).path_in_schema: group.column(number).physical_type
        for number in range(group.num_columns)
    }
    assert types["money"] == "INT64"


@pytest.mark.parametrize("name", VALUES)
def test_values_are_read_back(lake: Lake, file: DataFile, name: str) -> None:
    assert lake.table.scan().to_arrow()[name].to_pylist() == VALUES[name], "pyiceberg"
    assert pq.read_table(path_of(file), partitioning=None)[name].to_pylist() == VALUES[name]
    assert pl.read_parquet(path_of(file), hive_partitioning=False)[name].to_list() == VALUES[name]
    with duckdb.connect() as session:
        found = session.execute(
            f"select {name} from read_parquet(?, hive_partitioning = false)", [path_of(file)]
        ).to_arrow_table()
    assert found[name].to_pylist() == VALUES[name], "duckdb"


@pytest.mark.parametrize(
    ("condition", "files"),
    [
        ("_offset = 7", 1),
        ("_offset < 7", 0),
        ("money < -1", 1),
        ("money > 1", 0),
        ("_loaded_at >= '2026-02-03T00:00:00+00:00'", 1),
        ("_loaded_at >= '2026-02-04T00:00:00+00:00'", 0),
        ("_error is not null", 0),
    ],
)
def test_readers_prune_by_it(lake: Lake, file: DataFile, condition: str, files: int) -> None:
    assert len(list(lake.table.scan(condition).plan_files())) == files


def test_only_texts_that_repeat_get_a_dictionary(lake: Lake) -> None:
    count = 100
    values = {name: [column[0]] * count for name, column in VALUES.items()}
    values |= {
        "text": ["paid", "refunded"] * (count // 2),
        "document": [f"[{number}]" for number in range(count)],
    }
    file = write_data_file(lake.table, table_of(EVERY_TYPE, values), DAY)
    group = pq.ParquetFile(path_of(file)).metadata.row_group(0)
    encodings = {
        group.column(at).path_in_schema: group.column(at).encodings
        for at in range(group.num_columns)
    }
    with_one = {name for name, used in encodings.items() if "RLE_DICTIONARY" in used}
    assert with_one == {"_topic", "text"}
