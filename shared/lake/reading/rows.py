"""Rows of data files: all, those at certain positions, or those of certain keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_

import polars as pl

from shared.lake.reading.columns import Columns
from shared.lake.reading.file_batches import ROW, Batch, batches, without_secrets
from shared.lake.reading.live_files import LiveFile
from shared.lake.reading.read_stats import ReadStats

FILE, POS = "_file", "_pos"
"""Where a row is: the path of its data file (String) and its position there (Int64, from 0)."""

GAP_ROWS = 10_000
"""Positions further apart than that may lie in different row groups."""

MOST_RANGES = 16

Positions = Mapping[str, pl.Series]
"""Positions (Int64) by path of the data file."""


def read_rows(
    columns: Columns,
    files: Iterable[LiveFile],
    *,
    keep: Positions | None = None,
    drop: Positions | None = None,
    where: pl.Expr | None = None,
    located: bool = False,
    stats: ReadStats | None = None,
) -> list[pl.DataFrame]:
    """Rows of data files.

    Args:
        columns: those handed out, and those that ``where`` looks at.
        files: data files.
        keep: only the rows at these positions, for every one of the files.
        drop: all rows but those at these positions.
        where: only rows for which this is true; skips row groups by their statistics.
        located: add ``_file`` and ``_pos``.
        stats: is added to, but for the rows.

    Returns:
        frames of equal columns, to be put one below the other.

    Raises:
        Refused: a file has no field ids, and the table has no name mapping.
        OSError: the store does not answer, or lacks a file.
    """
    wanted = [live.file for live in files]
    if not wanted:
        return []
    if stats is not None:
        stats.files += len(wanted)
        stats.bytes += sum(columns.bytes_in(file) for file in wanted)

    def read(*, ask: bool) -> list[pl.DataFrame]:
        found = batches(columns, wanted, apart=keep is not None, ask=ask)
        frames = pl.collect_all([_chosen(batch, keep, drop, where) for batch in found])
        if not located:
            return [frame.drop(ROW) for frame in frames]
        return [_located(batch, frame) for batch, frame in zip(found, frames, strict=True)]

    try:
        try:
            return read(ask=False)
        except (pl.exceptions.ColumnNotFoundError, pl.exceptions.SchemaError):
            return read(ask=True)  # a file is not what its manifest says: it has the last word
    except OSError as error:
        raise type(error)(without_secrets(columns.table.io, str(error))) from None


def _chosen(
    batch: Batch, keep: Positions | None, drop: Positions | None, where: pl.Expr | None
) -> pl.LazyFrame:
    rows = batch.rows
    if keep is not None:
        kept = _numbers(batch, keep)
        rows = rows.filter(pl.col(ROW).is_in(kept.implode()) & _ranges(batch, kept))
    if drop is not None and len(dropped := _numbers(batch, drop)):
        rows = rows.filter(~pl.col(ROW).is_in(dropped.implode()))
    return rows if where is None else rows.filter(where)


def _numbers(batch: Batch, positions: Positions) -> pl.Series:
    """Positions in files as numbers in the batch."""
    found = [
        positions[file.file_path] + start
        for file, start in zip(batch.files, batch.starts, strict=True)
        if file.file_path in positions
    ]
    empty = pl.Series(ROW, [], dtype=pl.Int64)
    return pl.concat([empty, *found]).cast(pl.get_index_type())


def _ranges(batch: Batch, numbers: pl.Series) -> pl.Expr:
    """Roughly where these numbers are: ranges make the reader skip row groups, lists do not."""
    if len(batch.files) > 1 or not len(numbers):
        return pl.lit(value=True)
    ordered = numbers.sort()
    ends = ordered.diff(null_behavior="drop") > GAP_ROWS
    if ends.sum() >= MOST_RANGES:
        return pl.lit(value=True)
    lasts = [*ordered.head(len(ordered) - 1).filter(ends).to_list(), ordered[-1]]
    firsts = [ordered[0], *ordered.tail(len(ordered) - 1).filter(ends).to_list()]
    ranges = zip(firsts, lasts, strict=True)
    return reduce(or_, (pl.col(ROW).is_between(first, last) for first, last in ranges))


def _located(batch: Batch, rows: pl.DataFrame) -> pl.DataFrame:
    starts = pl.Series(batch.starts, dtype=pl.Int64)
    row = rows[ROW].cast(pl.Int64)
    # A file without rows starts where the next one does: the last of equal starts has the row.
    index = starts.search_sorted(row, side="right") - 1
    paths = pl.Series([file.file_path for file in batch.files], dtype=pl.String)
    return rows.drop(ROW).with_columns(
        paths.gather(index).alias(FILE), (row - starts.gather(index)).alias(POS)
    )
