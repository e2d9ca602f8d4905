"""Rows of a snapshot, or what was appended since another one, some files at a time.

For what does not fit into memory at once: all of a table, or what came while nobody read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import polars as pl
from pyiceberg.table import Table

from shared.lake.reading.columns import Columns
from shared.lake.reading.deleted_positions import Named, deleted_positions
from shared.lake.reading.file_changes import file_changes
from shared.lake.reading.live_files import LiveFile, live_files
from shared.lake.reading.read_stats import ReadStats
from shared.lake.reading.rows import read_rows
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
    live = live_files(table, snapshot)
    gone = deleted_positions(table.io, live.data, live.deletes.values())
    yield from _read(Columns.of(table, columns), live.data.values(), gone, stats)


def appended_portions(
    table: Table,
    start: SnapshotEntry | None,
    end: SnapshotEntry,
    columns: Sequence[str],
    *,
    stats: ReadStats | None = None,
) -> Iterator[pl.DataFrame] | None:
    """The rows by which ``end`` is larger than ``start``, if rows were only added in between.

    ``None`` when some went as well, or moved: then :func:`shared.lake.reading.changes.changes` can
    tell. Arguments, frames and errors are as for :func:`portions`.
    """
    found = file_changes(table, start, end)
    if found.went or found.stayed:
        return None
    return _read(Columns.of(table, columns), found.came.values(), found.after, stats)


def _read(
    columns: Columns, files: Iterable[LiveFile], gone: Named, stats: ReadStats | None
) -> Iterator[pl.DataFrame]:
    for portion in _portions(files):
        rows = pl.concat([columns.empty(), *read_rows(columns, portion, drop=gone, stats=stats)])
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
