"""Rows of a snapshot, or what was appended since another one, a portion of the files at a time.

For what does not fit into memory at once: all of a table, or what came while nobody read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import polars as pl
from pyiceberg.table import Table

from shared.lake.reading.columns import Columns
from shared.lake.reading.deleted_positions import Named, deleted_positions
from shared.lake.reading.file_batches import ROW
from shared.lake.reading.file_changes import file_changes
from shared.lake.reading.live_files import LiveFile, live_files
from shared.lake.reading.read_stats import ReadStats
from shared.lake.reading.rows import FILE, POS, read_rows
from shared.lake.table_state import SnapshotEntry

PORTION_BYTES = 16 * 2**20
"""Bytes that the columns wanted take in the files of one portion; in memory they are several times
as many. A file that has more is read in portions of its own, but for a row group that has more."""

ALIGNED_ROWS = 100_000
"""Portions of one file end where row groups of ours do, so that none is read twice."""

PORTION_FILES = 500


def portions(
    table: Table,
    snapshot: SnapshotEntry | None,
    columns: Sequence[str],
    *,
    located: bool = False,
    stats: ReadStats | None = None,
) -> Iterator[pl.DataFrame]:
    """The rows of one snapshot, position deletes applied, in no certain order.

    Args:
        table, snapshot, columns, located, stats: as for :func:`shared.lake.reading.scan.scan`.

    Yields:
        frames of exactly these columns, and ``_file`` and ``_pos`` where they are wanted.

    Raises:
        NotFound, Refused, OSError: as :func:`shared.lake.reading.scan.scan`.
    """
    if snapshot is None:
        return
    live = live_files(table, snapshot)
    gone = deleted_positions(table.io, live.data, live.deletes.values())
    yield from _read(Columns.of(table, columns), live.data.values(), gone, stats, located=located)


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
    columns: Columns,
    files: Iterable[LiveFile],
    gone: Named,
    stats: ReadStats | None,
    *,
    located: bool = False,
) -> Iterator[pl.DataFrame]:
    none = columns.empty()
    if located:
        places = {FILE: pl.String(), POS: pl.Int64()}
        none = none.hstack(pl.DataFrame(schema=places))
    for portion, where, again in _portions(columns, files):
        told = None if again else stats
        found = read_rows(columns, portion, drop=gone, where=where, located=located, stats=told)
        rows = pl.concat([none, *found])
        if stats is not None:
            stats.rows += rows.height
        yield rows


def _portions(
    columns: Columns, files: Iterable[LiveFile]
) -> Iterator[tuple[list[LiveFile], pl.Expr | None, bool]]:
    """Files to be read at once; or one of them, the condition for some of its rows, and whether
    others of its rows have been read."""
    portion: list[LiveFile] = []
    size = 0
    for live in files:
        own = columns.bytes_in(live.file)
        ranges = _ranges(live, own)
        if portion and (
            len(ranges) > 1 or size + own > PORTION_BYTES or len(portion) >= PORTION_FILES
        ):
            yield portion, None, False
            portion, size = [], 0
        if len(ranges) > 1:
            yield from (([live], where, at > 0) for at, where in enumerate(ranges))
            continue
        portion.append(live)
        size += own
    if portion:
        yield portion, None, False


def _ranges(live: LiveFile, size: int) -> list[pl.Expr]:
    """Conditions for parts of a file, by the numbers of its rows, each of whole row groups."""
    groups, rows = len(live.file.split_offsets or ()), live.file.record_count
    parts = min(groups, -(-size // PORTION_BYTES))
    if parts < 2:
        return [pl.lit(value=True)]
    step = -(-rows // (parts * ALIGNED_ROWS)) * ALIGNED_ROWS
    # Ranges of row numbers make the reader skip row groups.
    return [
        pl.col(ROW).is_between(start, min(start + step, rows) - 1) for start in range(0, rows, step)
    ]
