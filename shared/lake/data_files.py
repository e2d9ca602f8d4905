"""Write rows as Parquet data files, with the statistics that readers prune by.

A landing table gets one file a commit, of one day; a derived one as many as its rows have
partitions, sorted, and split by size.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table
from pyiceberg.transforms import DayTransform
from pyiceberg.typedef import Record

from shared.lake.reading import small_files
from shared.lake.row_partitions import by_partition, require_declared
from shared.lake.schema import arrow_schema
from shared.runtime.errors import Refused
from shared.tables.spec import TableSpec

_EPOCH = date(1970, 1, 1)
ZSTD_LEVEL = 1
"""Landing files live until compaction: speed over the last per cent of size."""

SAMPLE_ROWS = 1000
ROW_GROUP_ROWS = 100_000
"""Rows of derived tables between two looks at a file's size; readers skip whole row groups."""

IN_MEMORY_BYTES = 2**20
"""Rows of derived tables that are fewer make their file in memory first."""

REPEATED = 8
"""A text column gets a dictionary when so many sampled rows share a value on average."""


def write_data_file(table: Table, rows: pa.Table, day: date | None) -> DataFile:
    """Write ``rows`` as one file of the partition of ``day`` and describe it.

    Args:
        table: where the file belongs; its current schema and default partition spec are used.
        rows: rows in the table's Arrow schema, with field ids.
        day: the value of the day partition, ``None`` for an unpartitioned table.

    Returns:
        the data file, not yet named by any snapshot.

    Raises:
        OSError: the object store did not take it.
        Refused: somebody has changed how the table is partitioned.
    """
    name = f"{uuid.uuid4()}.parquet"
    transforms = [field.transform for field in table.spec().fields]
    if transforms != ([] if day is None else [DayTransform()]):
        raise Refused(
            f"{'.'.join(table.name())} is partitioned by {table.spec()}, not as it was declared",
            "make its declared partition spec the default one again: files are written by it",
        )
    partition = Record()
    if day is not None:
        field = table.spec().fields[0]
        name = f"{field.name}={day.isoformat()}/{name}"
        partition = Record((day - _EPOCH).days)
    return _written(table, name, partition, iter([rows]), None)


def write_rows(
    table: Table, spec: TableSpec, rows: pa.Table, *, target_bytes: int
) -> list[DataFile]:
    """Write rows of a derived table: every partition its own files, sorted as declared.

    Args:
        table: where the files belong; its current schema and default partition spec are used.
        spec: its declaration.
        rows: with the declared columns, in any order; types that lose nothing are cast.
        target_bytes: a file of that size is full; the rest goes into another one.

    Returns:
        the data files, not yet named by any snapshot; none for no rows.

    Raises:
        OSError: the object store did not take them.
        Refused: somebody has changed how the table is partitioned.
        ValueError: a value does not fit its column: null where it is required, too large.
    """
    require_declared(table, spec)
    schema = arrow_schema(spec)
    rows = rows.select(schema.names).cast(schema)
    sort = () if spec.derived is None else spec.derived.sort
    files: list[DataFile] = []
    for partition, part in by_partition(spec, rows):
        ordered = part.sort_by([(column, "ascending") for column in sort]) if sort else part
        folder = table.spec().partition_to_path(partition, table.schema())
        groups = iter(
            [ordered.slice(at, ROW_GROUP_ROWS) for at in range(0, len(ordered), ROW_GROUP_ROWS)]
        )
        while (first := next(groups, None)) is not None:
            name = f"{uuid.uuid4()}.parquet"
            location = f"{folder}/{name}" if folder else name
            left = _chain(first, groups)
            keep = ordered.nbytes <= IN_MEMORY_BYTES
            files.append(_written(table, location, partition, left, target_bytes, keep=keep))
    return files


def _chain(first: pa.Table, others: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from others


def _written(
    table: Table,
    name: str,
    partition: Record,
    groups: Iterator[pa.Table],
    target_bytes: int | None,
    *,
    keep: bool = False,
) -> DataFile:
    """One file of as many of the row groups as make ``target_bytes``; the first one in any case.

    With ``keep`` it is made in memory, and what is small is kept for those who read it next.
    """
    location = table.location_provider().new_data_location(name)
    output = table.io.new_output(location)
    first = next(groups)
    made = pa.BufferOutputStream() if keep else None
    with made or output.create(overwrite=True) as stream:
        with pq.ParquetWriter(
            stream,
            first.schema,
            compression="zstd",
            compression_level=ZSTD_LEVEL,
            store_schema=False,
            store_decimal_as_integer=True,  # the specification's int64 up to 18 digits
            use_dictionary=_repeating(first),
        ) as writer:
            writer.write_table(first)
            while target_bytes is not None and stream.tell() < target_bytes:
                group = next(groups, None)
                if group is None:
                    break
                writer.write_table(group)
        size = stream.tell()
    if made is not None:
        content = made.getvalue().to_pybytes()
        with output.create(overwrite=True) as stream:
            stream.write(content)
        small_files.written(location, content)
    schema = table.schema()
    statistics = data_file_statistics_from_parquet_metadata(
        parquet_metadata=writer.writer.metadata,
        stats_columns=compute_statistics_plan(schema, table.metadata.properties),
        parquet_column_mapping=parquet_path_to_id_mapping(schema),
    )
    file = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=location,
        file_format=FileFormat.PARQUET,
        partition=partition,
        file_size_in_bytes=size,
        sort_order_id=0,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )
    file.spec_id = table.metadata.default_spec_id
    return file


def _repeating(rows: pa.Table) -> list[str]:
    """The columns that a dictionary makes smaller.

    For others it is built in vain and given up after a megabyte; what is left of it makes the file
    larger, too. Numbers and moments are small enough as they are.
    """
    sample = rows.slice(0, SAMPLE_ROWS)
    return [
        name
        for name, column in zip(sample.schema.names, sample.columns, strict=True)
        if (pa.types.is_large_string(column.type) or pa.types.is_string(column.type))
        and column.null_count < len(column)
        and REPEATED * pc.count_distinct(column).as_py() <= len(column)
    ]
