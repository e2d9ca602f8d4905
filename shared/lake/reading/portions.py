"""All rows of a snapshot, some files at a time: what does not fit into memory at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import polars as pl
from pyiceberg.table import Table

from shared.lake.reading.columns import Columns
from shared.lake.reading.deleted_positions import deleted_positions
from shared.lake.reading.live_files import LiveFile, live_files
from shared.lake.reading.scan import ReadStats, read_rows
from shared.lake.table_state import SnapshotEntry

PORTION_BYTES = 32 * 2**20
"""Bytes of data files in one portion; a larger file is a portion of its own."""

PORTION_FILES = 500


def portions(
    table: Table,
    snapshot: SnapshotEntry | None,
    columns: Sequence[str],
    *,
    stats: ReadStats | None = None,
) -> Iterator[pl.DataFrame]:
    """The rows of one snapshot, position deletes applied, in no certain order.

    Args:
        table, snapshot, columns, stats: as for :func:`shared.lake.reading.scan.scan`.

    Yields:
        frames of exactly these columns.

    Raises:
        NotFound, Refused, OSError: as :func:`shared.lake.reading.scan.scan`.
    """
    if snapshot is None:
        return
    wanted = Columns.of(table, columns)
    live = live_files(table, snapshot)
    gone = deleted_positions(table.io, live.data, live.deletes.values())
    for files in _portions(live.data.values()):
        rows = pl.concat([wanted.empty(), *read_rows(wanted, files, drop=gone, stats=stats)])
        if stats is not None:
            stats.rows += rows.height
        yield rows


def _portions(files: Iterable[LiveFile]) -> Iterator[list[LiveFile]]:
    portion: list[LiveFile] = []
    size = 0
    for live in files:
        if portion and (
            size + live.file.file_size_in_bytes > PORTION_BYTES or len(portion) >= PORTION_FILES
        ):
            yield portion
            portion, size = [], 0
        portion.append(live)
        size += live.file.file_size_in_bytes
    if portion:
        yield portion
