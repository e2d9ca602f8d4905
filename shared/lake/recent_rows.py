"""The rows that a table took in most recently, at a bounded price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.table import FileScanTask, Table


def recent_rows(
    table: Table, column: str, since: datetime, fields: Sequence[str], *, files: int, rows: int
) -> pa.Table:
    """Columns of rows that are not older than ``since``, from the youngest files.

    Reading a small file costs some 10 ms whatever is in it, and a landing table gets one a second:
    hence the bound on files.

    Args:
        table: as it is known.
        column: the timestamp that tells the age.
        since: timezone-aware.
        fields: the columns wanted.
        files, rows: most of each that are read.

    Raises:
        OSError: the object store does not answer, or lacks a file.
    """
    scan = table.scan(f"{column} >= '{since.isoformat()}'", selected_fields=tuple(fields))
    field_id = table.schema().find_field(column).field_id

    def youngest(task: FileScanTask) -> int:
        bound = (task.file.upper_bounds or {}).get(field_id, b"")
        return int.from_bytes(bound, "little", signed=True)

    tasks = sorted(scan.plan_files(), key=youngest)[-files:]
    return ArrowScan(
        table.metadata, table.io, scan.projection(), scan.row_filter, limit=rows
    ).to_table(tasks)
