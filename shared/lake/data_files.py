"""Write rows as one Parquet data file, with the statistics that readers prune by."""

from __future__ import annotations

import uuid
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

from shared.runtime.errors import Refused

_EPOCH = date(1970, 1, 1)
ZSTD_LEVEL = 1
"""Landing files live until compaction: speed over the last per cent of size."""

SAMPLE_ROWS = 1000
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
    location = table.location_provider().new_data_location(name)
    output = table.io.new_output(location)
    with output.create(overwrite=True) as stream:
        with pq.ParquetWriter(
            stream,
            rows.schema,
            compression="zstd",
            compression_level=ZSTD_LEVEL,
            store_schema=False,
            store_decimal_as_integer=True,  # the specification's int64 up to 18 digits
            use_dictionary=_repeating(rows),
        ) as writer:
            writer.write_table(rows)
        size = stream.tell()
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
