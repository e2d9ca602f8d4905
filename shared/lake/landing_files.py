"""Write rows of a landing table: one file a commit, of one day."""

from __future__ import annotations

import uuid
from datetime import date

import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.transforms import DayTransform
from pyiceberg.typedef import Record

from shared.lake.parquet_file import written
from shared.runtime.errors import Refused

_EPOCH = date(1970, 1, 1)


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
    return written(table, name, place, iter([rows]), None)


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
