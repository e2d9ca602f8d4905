"""Write rows as Parquet data files, with the statistics that readers prune by.

A landing table gets one file a commit, of one day; a derived one as many as its rows have
partitions, sorted, and split by size, or one for a small change of many partitions.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import chain
from typing import Any

import pyarrow as pa
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

from shared.lake.level_zero import fits, level_zero_spec
from shared.lake.reading import small_files
from shared.lake.repeating_columns import repeating_columns
from shared.lake.row_partitions import by_partition, require_declared
from shared.lake.schema import arrow_schema
from shared.runtime.errors import Refused
from shared.tables.spec import TableSpec

_EPOCH = date(1970, 1, 1)
ZSTD_LEVEL = 1
"""Landing files live until compaction: speed over the last per cent of size."""

ROW_GROUP_ROWS = 100_000
"""Rows of derived tables between two looks at a file's size; readers skip whole row groups."""

IN_MEMORY_BYTES = 2**20
"""Rows of derived tables that are fewer make their file in memory first."""

AT_ONCE_BYTES = 64 * 2**20
"""Rows of several partitions that are fewer are written by several requests at once."""

WRITES = 8
"""Most requests to the store at once."""


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
    place = landing_place(table, day)
    name = f"{uuid.uuid4()}.parquet"
    if day is not None:
        name = f"{table.spec().fields[0].name}={day.isoformat()}/{name}"
    return _written(table, name, place, iter([rows]), None)


def landing_place(table: Table, day: date | None) -> tuple[int, Record]:
    """Partition spec and partition of a landing table's rows of one day.

    Args:
        table: whose default partition spec is used.
        day: ``None`` for an unpartitioned table.

    Raises:
        Refused: somebody has changed how the table is partitioned.
    """
    transforms = [field.transform for field in table.spec().fields]
    if transforms != ([] if day is None else [DayTransform()]):
        raise Refused(
            f"{'.'.join(table.name())} is partitioned by {table.spec()}, not as it was declared",
            "make its declared partition spec the default one again: files are written by it",
        )
    partition = Record() if day is None else Record((day - _EPOCH).days)
    return table.metadata.default_spec_id, partition


def write_rows(
    table: Table, spec: TableSpec, rows: pa.Table, *, target_bytes: int, level_zero: bool = False
) -> list[DataFile]:
    """Write rows of a derived table: every partition its own files, sorted as declared.

    Args:
        table: where the files belong; its current schema and default partition spec are used.
        spec: its declaration.
        rows: with the declared columns, in any order; types that lose nothing are cast.
        target_bytes: a file of that size is full; the rest goes into another one.
        level_zero: few rows of several partitions become one file of level 0, if the table has it
            (:mod:`shared.lake.level_zero`): folding must find them there later.

    Returns:
        the data files, not yet named by any snapshot; none for no rows.

    Raises:
        OSError: the object store did not take them.
        Refused: somebody has changed how the table is partitioned.
        ValueError: a value does not fit its column: null where it is required, too large.
    """
    require_declared(table, spec)
    rows = _declared(spec, rows)
    spec_id, parts = table.metadata.default_spec_id, list(by_partition(spec, rows))
    apart = level_zero_spec(table) if level_zero and fits([part for _, part in parts]) else None
    if apart is not None:
        spec_id, parts = apart, [(Record(), rows)]

    def write(place: tuple[Record, pa.Table]) -> list[DataFile]:
        partition, part = place
        groups = _row_groups(spec, part)
        keep = part.nbytes <= IN_MEMORY_BYTES
        return _filled(table, (spec_id, partition), groups, target_bytes, keep=keep)

    if len(parts) == 1 or rows.nbytes > AT_ONCE_BYTES:
        return [file for part in parts for file in write(part)]
    with ThreadPoolExecutor(WRITES, "bergline-write") as pool:
        return [file for files in pool.map(write, parts) for file in files]


def write_portions(
    table: Table, spec: TableSpec, portions: Iterable[pa.Table], *, target_bytes: int
) -> list[DataFile]:
    """Write rows of one partition that are too many to be held: they share files.

    Args:
        portions: rows as for :func:`write_rows`, each portion sorted here by itself; by the first
            column of the declared order, none comes before what is in an earlier portion.
        table, spec, target_bytes: as for :func:`write_rows`, results and errors, too.

    Raises:
        ValueError: the first portion is of several partitions.
    """
    require_declared(table, spec)
    declared = (_declared(spec, each) for each in portions if len(each))
    first = next(declared, None)
    if first is None:
        return []
    ((partition, _),) = by_partition(spec, first)
    groups = chain.from_iterable(_row_groups(spec, each) for each in chain([first], declared))
    return _filled(table, (table.metadata.default_spec_id, partition), groups, target_bytes)


def write_row_groups(
    table: Table, place: tuple[int, Record], groups: Iterator[pa.Table], *, target_bytes: int
) -> list[DataFile]:
    """Write rows of one partition as they come: each of ``groups`` is a row group.

    Args:
        table: where the files belong.
        place: partition spec and partition.
        groups: rows with field ids, asked for one after the other; none makes no file.
        target_bytes: a file of that size is full; the next row group goes into another one.

    Returns:
        the data files in the order of their rows, not yet named by any snapshot.

    Raises:
        OSError: the object store did not take them.
    """
    return _filled(table, place, groups, target_bytes)


def _declared(spec: TableSpec, rows: pa.Table) -> pa.Table:
    schema = arrow_schema(spec)
    return rows.select(schema.names).cast(schema)


def _row_groups(spec: TableSpec, rows: pa.Table) -> Iterator[pa.Table]:
    """Rows in the declared order, as many at a time as make a row group."""
    sort = () if spec.derived is None else spec.derived.sort
    ordered = rows.sort_by([(column, "ascending") for column in sort]) if sort else rows
    return (ordered.slice(at, ROW_GROUP_ROWS) for at in range(0, len(rows), ROW_GROUP_ROWS))


def _filled(
    table: Table,
    place: tuple[int, Record],
    groups: Iterator[pa.Table],
    target_bytes: int,
    *,
    keep: bool = False,
) -> list[DataFile]:
    """Row groups of one partition, in files of the size that is asked for."""
    folder = table.specs()[place[0]].partition_to_path(place[1], table.schema())
    files: list[DataFile] = []
    while (first := next(groups, None)) is not None:
        name = f"{uuid.uuid4()}.parquet"
        location = f"{folder}/{name}" if folder else name
        files.append(
            _written(table, location, place, chain([first], groups), target_bytes, keep=keep)
        )
    return files


def _written(
    table: Table,
    name: str,
    place: tuple[int, Record],
    groups: Iterator[pa.Table],
    target_bytes: int | None,
    *,
    keep: bool = False,
) -> DataFile:
    """One file of as many of the row groups as make ``target_bytes``; the first one in any case.

    ``place`` is its partition spec and partition.
    With ``keep`` it is made in memory, and what is small is kept for those who read it next.
    """
    location = table.location_provider().new_data_location(name)
    output = table.io.new_output(location)
    first = next(groups)
    made = pa.BufferOutputStream() if keep else None
    with made or output.create(overwrite=True) as stream:
        with parquet_writer(stream, first) as writer:
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
    return described(table, place, location, size, writer.writer.metadata)


def parquet_writer(stream: Any, first: pa.Table) -> pq.ParquetWriter:
    """A writer of data files, which are all written alike.

    Args:
        stream: where the bytes go, from where it stands.
        first: rows that tell the schema and which columns have values that repeat.
    """
    return pq.ParquetWriter(
        stream,
        first.schema,
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        store_schema=False,
        store_decimal_as_integer=True,  # the specification's int64 up to 18 digits
        use_dictionary=repeating_columns(first),
    )


def described(
    table: Table, place: tuple[int, Record], location: str, size: int, metadata: pq.FileMetaData
) -> DataFile:
    """A data file that was written, with the statistics that its footer tells of.

    Args:
        table: whose present schema counts.
        place: partition spec and partition.
        location: of the file.
        size: bytes of it.
        metadata: its footer.
    """
    schema = table.schema()
    statistics = data_file_statistics_from_parquet_metadata(
        parquet_metadata=metadata,
        stats_columns=compute_statistics_plan(schema, table.metadata.properties),
        parquet_column_mapping=(field_ids := parquet_path_to_id_mapping(schema)),
    )
    for path in _unbounded(metadata):
        statistics.column_aggregates.pop(field_ids[path], None)
    file = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=location,
        file_format=FileFormat.PARQUET,
        partition=place[1],
        file_size_in_bytes=size,
        sort_order_id=0,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )
    file.spec_id = place[0]
    return file


def _unbounded(metadata: pq.FileMetaData) -> set[str]:
    """Columns that have values in a row group of which no bounds are told, as of long texts.

    The library would give the bounds of the other row groups, and readers lose rows by them.
    """
    if metadata.num_row_groups == 1:
        return set()
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    columns = [group.column(at) for group in groups for at in range(group.num_columns)]
    return {
        column.path_in_schema
        for column in columns
        if (told := column.statistics) is None
        or not (told.has_min_max or told.null_count == column.num_values)
    }
