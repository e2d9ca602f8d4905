"""The export as files: Parquet, a row group at a time, so that no file is ever held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from deploy.generator.ga4.events import COLUMNS, Row

ROWS_OF_A_GROUP = 10_000


def write(
    path: Path, rows: Iterable[Row], observe: Callable[[int], object] = lambda _: None
) -> int:
    """Write one export file; the number of rows.

    It has its name only when it is complete, so a watcher never sees half a file.

    Args:
        path: of the file.
        rows: what it holds; taken a row group at a time.
        observe: told how many rows each group has.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "string": pa.string(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
    }
    schema = pa.schema([(name, types[type_]) for name, type_ in COLUMNS.items()])
    unfinished = path.with_name(f".{path.name}.unfinished")
    pending = iter(rows)
    written = 0
    with pq.ParquetWriter(unfinished, schema, compression="zstd") as writer:
        while group := list(islice(pending, ROWS_OF_A_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
            written += len(group)
            observe(len(group))
    unfinished.replace(path)
    return written
