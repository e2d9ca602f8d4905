"""The rows of data files that no position delete has taken out, to be written anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import DataFileContent
from pyiceberg.table import FileScanTask, Table

from shared.lake.head_checks import partition_of
from shared.lake.position_deletes import may_name, named_positions
from shared.lake.reading.live_files import LiveFile, LiveFiles
from shared.lake.schema import arrow_schema
from shared.tables.spec import TableSpec

READS = 8
"""Most files that are read at once."""


def surviving_rows(
    table: Table,
    spec: TableSpec,
    live: LiveFiles,
    paths: Collection[str],
    without: Mapping[str, Sequence[int]] | None = None,
) -> pa.Table:
    """Rows of some live data files in the declared schema; columns are found by field id.

    Args:
        table: where the files are.
        spec: its declaration.
        live: the files of the snapshot that is read.
        paths: of the data files wanted.
        without: further rows to leave out: path → row numbers.

    Raises:
        OSError: the object store does not answer, or lacks a file.
    """
    schema = arrow_schema(spec)
    deleted = deleted_positions(table.io, live, paths)

    def read(path: str) -> pa.Table:
        scan = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue())
        rows = scan.to_table([FileScanTask(live.data[path].file)]).select(schema.names)
        gone = [*deleted.get(path, ())]
        if without and path in without:
            gone.append(pa.array(without[path], pa.int64()))
        if gone:
            numbers = pa.arange(0, len(rows))
            taken = pa.chunked_array(gone, pa.int64()).combine_chunks()
            rows = rows.filter(pc.invert(pc.is_in(numbers, taken)))
        return rows.cast(schema)

    with ThreadPoolExecutor(READS, "bergline-read") as pool:
        return pa.concat_tables([schema.empty_table(), *pool.map(read, sorted(paths))])


def deleted_positions(
    io: FileIO, live: LiveFiles, paths: Collection[str]
) -> dict[str, list[pa.Array]]:
    """What the position delete files of a snapshot take out of these data files.

    Of the partition and spec of a data file those apply that are not older than it (Iceberg spec,
    "Scan Planning").

    Raises:
        OSError: the object store does not answer, or lacks a file.
    """
    wanted: dict[object, list[LiveFile]] = {}
    for path in paths:
        wanted.setdefault(partition_of(live.data[path].file), []).append(live.data[path])
    found: dict[str, list[pa.Array]] = {}
    for delete in live.deletes.values():
        own = [
            each.file.file_path
            for each in wanted.get(partition_of(delete.file), ())
            if each.sequence_number <= delete.sequence_number
            and may_name(delete.file, each.file.file_path)
        ]
        if not own or delete.file.content != DataFileContent.POSITION_DELETES:
            continue
        named = named_positions(io, delete.file)
        for path in own:
            if path in named:
                found.setdefault(path, []).append(named[path])
    return found
