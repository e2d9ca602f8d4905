"""One Parquet data file: how it is written, and described with what readers prune by."""

from __future__ import annotations

from collections.abc import Iterator
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
from pyiceberg.typedef import Record

from shared.lake.reading import small_files
from shared.lake.repeating_columns import repeating_columns

ZSTD_LEVEL = 1
"""Landing files live until compaction: speed over the last per cent of size."""


def written(
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
