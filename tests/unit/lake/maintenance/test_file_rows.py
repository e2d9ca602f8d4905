"""Old files as the present schema has them: what a file lacks is what the specification says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, Table
from pyiceberg.typedef import Record
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    NestedField,
    PrimitiveType,
    StringType,
    TimestampType,
    TimestamptzType,
    UUIDType,
)

from shared.lake.maintenance.compaction import Status, compact
from shared.lake.maintenance.file_rows import DECODED, FileRows
from shared.lake.maintenance.policy import MaintenancePolicy
from shared.lake.reading.scan import scan
from tests.support import foreign_snapshots
from tests.support.derived_lake import DerivedLake

BATCH_BYTES = 1 << 20
DAY, MOMENT = date(2026, 1, 15), datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
IDENTITY = UUID("f79c3e09-677c-4bbd-a479-3f349cb785e7")
DAYS = (DAY - date(1970, 1, 1)).days
MICROSECONDS = int(MOMENT.timestamp()) * 1_000_000

VALUES = [
    (StringType(), "web", "web"),
    (LongType(), 1 << 40, 1 << 40),
    (IntegerType(), 7, 7),
    (DoubleType(), 1.5, 1.5),
    (BooleanType(), False, False),
    (BinaryType(), b"\x00\x01", b"\x00\x01"),
    (DecimalType(18, 2), Decimal("-1.50"), Decimal("-1.50")),
    (DateType(), DAY, DAY),
    (TimestamptzType(), MOMENT, MOMENT),
    (TimestampType(), MOMENT.replace(tzinfo=None), MOMENT.replace(tzinfo=None)),
    (UUIDType(), IDENTITY, IDENTITY.bytes),
]
AS_NUMBERS = [
    (DateType(), DAYS, DAY),
    (DateType(), -1, date(1969, 12, 31)),
    (TimestamptzType(), MICROSECONDS, MOMENT),
    (TimestampType(), MICROSECONDS, MOMENT.replace(tzinfo=None)),
]
"""As manifests hold them."""


def ids_only(table: Table, name: str, partition: Record, spec_id: int = 0) -> DataFile:
    """A file of two rows that has ``id`` alone, as importers of Hive tables leave it."""
    path = f"{table.location()}/data/{name}"
    field = pa.field("id", pa.int64(), False, {"PARQUET:field_id": "1"})
    output = table.io.new_output(path)
    with output.create(overwrite=True) as stream:
        pq.write_table(pa.table([[1, 2]], schema=pa.schema([field])), stream)
    file = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=partition,
        record_count=2,
        file_size_in_bytes=len(output),
    )
    file.spec_id = spec_id
    return file


def with_schema(table: Table, *fields: NestedField) -> Table:
    """The table as if these were its columns."""
    schema = Schema(*fields, schema_id=99)
    table.metadata = table.metadata.model_copy(
        update={"schemas": [*table.metadata.schemas, schema], "current_schema_id": 99}
    )
    return table


def read(table: Table, file: DataFile) -> pa.Table:
    return pa.concat_tables(FileRows(table, BATCH_BYTES).batches(file, None))


@pytest.mark.parametrize(("kind", "value", "expected"), VALUES, ids=str)
def test_a_column_added_later_has_its_initial_default(
    tmp_path: Path, kind: PrimitiveType, value: Any, expected: Any
) -> None:
    table = with_schema(
        DerivedLake(tmp_path).table,
        NestedField(1, "id", LongType(), required=True),
        NestedField(50, "added", kind, required=True, initial_default=value),
    )
    rows = read(table, ids_only(table, "old.parquet", Record()))
    assert rows["id"].to_pylist() == [1, 2]
    assert [_plain(each) for each in rows["added"]] == [expected, expected]
    assert rows.schema == FileRows(table, BATCH_BYTES).schema


def test_without_a_default_it_is_null(tmp_path: Path) -> None:
    table = with_schema(
        DerivedLake(tmp_path).table,
        NestedField(1, "id", LongType(), required=True),
        NestedField(50, "added", StringType(), required=False),
    )
    rows = read(table, ids_only(table, "old.parquet", Record()))
    assert rows["added"].to_pylist() == [None, None]


@pytest.mark.parametrize(("kind", "value", "expected"), [*VALUES, *AS_NUMBERS], ids=str)
def test_an_identity_partition_column_is_the_partitions_value(
    tmp_path: Path, kind: PrimitiveType, value: Any, expected: Any
) -> None:
    """It wins over an initial default."""
    lake = DerivedLake(tmp_path)
    with lake.table.update_schema() as update:
        update.add_column("place", kind)
    with lake.table.update_spec() as spec:
        spec.add_identity("place")
    table = lake.table
    default = None if kind != StringType() else "elsewhere"
    fields = [field for field in table.schema().fields if field.name != "place"]
    place = table.schema().find_field("place")
    table = with_schema(
        table,
        *fields,
        NestedField(place.field_id, "place", kind, required=False, initial_default=default),
    )
    spec_id = table.metadata.default_spec_id
    file = ids_only(table, "hive.parquet", Record(672, value), spec_id)
    assert [_plain(each) for each in read(table, file)["place"]] == [expected, expected]
    nowhere = ids_only(table, "none.parquet", Record(672, None), spec_id)
    assert read(table, nowhere)["place"].to_pylist() == [None, None]


def test_files_without_their_partition_column_are_compacted_into_files_with_it(
    tmp_path: Path,
) -> None:
    lake = DerivedLake(tmp_path)
    with lake.table.update_schema(allow_incompatible_changes=True) as update:
        update.make_column_optional("version")
    with lake.table.update_spec() as spec:
        spec.add_identity("day")
    table = lake.table
    spec_id = table.metadata.default_spec_id
    files = [
        ids_only(table, f"{day}-{number}.parquet", Record(672, DAYS + day), spec_id)
        for day in range(2)
        for number in range(5)
    ]
    foreign_snapshots.snapshot(table, added=[(file, None) for file in files])
    columns = ["id", "version", "amount", "day"]
    before = scan(lake.table, lake.head, columns).sort(columns)
    assert before["day"].unique().sort().to_list() == [DAY, date(2026, 1, 16)]
    report = compact(
        lake.handle(), lake.spec, MaintenancePolicy(), writer="test", now_ms=4 * 10**12
    )
    assert (report.status, report.files_before, report.files_after) == (Status.SUCCESS, 10, 2)
    assert scan(lake.table, lake.head, columns).sort(columns).equals(before)
    for path, each in lake.live().data.items():
        written = pq.read_table(path.removeprefix("file://"))
        assert written.num_rows == 10
        assert written["day"].unique().to_pylist() == [_day(each.file.partition[1])]


def test_what_is_read_is_what_the_library_reads(tmp_path: Path) -> None:
    table = with_schema(
        DerivedLake(tmp_path).table,
        NestedField(1, "id", LongType(), required=True),
        NestedField(50, "added", DecimalType(18, 2), required=False, initial_default="1.25"),
        NestedField(51, "none", TimestamptzType(), required=False),
    )
    file = ids_only(table, "old.parquet", Record())
    library = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue())
    assert read(table, file).to_pylist() == library.to_table([FileScanTask(file)]).to_pylist()


def test_values_that_repeat_are_decoded_a_bounded_part_at_a_time(tmp_path: Path) -> None:
    """Two hundred thousand rows of 5 kB, a gigabyte, in a file of as many bytes as one of them."""
    table = with_schema(
        DerivedLake(tmp_path).table, NestedField(1, "payload", StringType(), required=False)
    )
    file = ids_only(table, "repeated.parquet", Record())
    field = pa.field("payload", pa.string(), True, {"PARQUET:field_id": "1"})
    repeated = pa.DictionaryArray.from_arrays(
        pa.repeat(pa.scalar(0, pa.int32()), 200_000), pa.array(["x" * 5000])
    )
    encoded = field.with_type(repeated.type)
    output = table.io.new_output(file.file_path)
    with output.create(overwrite=True) as stream:
        pq.write_table(
            pa.table([repeated], schema=pa.schema([encoded])), stream, store_schema=False
        )
    assert len(output) < 20_000
    before, seen = pa.total_allocated_bytes(), 0
    for batch in FileRows(table, BATCH_BYTES).batches(file, None):
        assert pa.total_allocated_bytes() - before < 4 * DECODED * BATCH_BYTES
        seen += len(batch)
    assert seen == 200_000


def _plain(value: pa.Scalar) -> Any:
    found = value.as_py()
    return found.bytes if isinstance(found, UUID) else found


def _day(number: Any) -> date:
    return number if isinstance(number, date) else date(1970, 1, 1) + timedelta(number)
