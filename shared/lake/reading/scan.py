"""Rows of a snapshot as a data frame."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from pyiceberg.table import Table

from shared.lake.reading.columns import Columns
from shared.lake.reading.deleted_positions import deleted_positions
from shared.lake.reading.keys import Keys
from shared.lake.reading.live_files import live_files
from shared.lake.reading.pruning import pruned
from shared.lake.reading.read_stats import ReadStats
from shared.lake.reading.rows import FILE, POS, read_rows
from shared.lake.table_state import SnapshotEntry

__all__ = ["FILE", "POS", "Keys", "ReadStats", "read_rows", "scan"]


def scan(
    table: Table,
    snapshot: SnapshotEntry | None,
    columns: Sequence[str],
    *,
    keys: Keys | None = None,
    where: pl.Expr | None = None,
    located: bool = False,
    stats: ReadStats | None = None,
) -> pl.DataFrame:
    """Rows of one snapshot, position deletes applied, in no certain order.

    Args:
        table: its present schema says names, ids and types of the columns.
        snapshot: which version; ``None`` is a table without any.
        columns: names in the present schema; what ``keys`` and ``where`` look at need not be among
            them.
        keys: only rows of these keys; files that cannot hold one are not opened.
        where: only rows for which this is true, row by row.
        located: add ``_file`` and ``_pos``.
        stats: is added to.

    Returns:
        a frame of exactly these columns and types, whether there are rows or not.

    Raises:
        NotFound: the table has no such column.
        Refused: the snapshot has files that cannot be read here.
        OSError: the object store does not answer, or lacks a file.
    """
    looked_at = [] if where is None else where.meta.root_names()
    looked_at += [] if keys is None else keys.columns()
    wanted = Columns.of(table, [*columns, *looked_at])
    handed = [*dict.fromkeys(columns), *((FILE, POS) if located else ())]
    none = wanted.empty().with_columns(
        pl.lit(None, pl.String).alias(FILE), pl.lit(None, pl.Int64).alias(POS)
    )
    if snapshot is None or (keys is not None and keys.frame.is_empty()):
        return none.select(handed)
    live = live_files(table, snapshot)
    files = list(live.data.values())
    condition = where
    if keys is not None:
        files = pruned(wanted, files, keys)
        mine = keys.condition(wanted)
        condition = mine if where is None else mine & where
    chosen = {each.file.file_path: each for each in files}
    gone = deleted_positions(table.io, chosen, live.deletes.values())
    frames = read_rows(wanted, files, drop=gone, where=condition, located=located, stats=stats)
    if not frames:
        return none.select(handed)
    rows = pl.concat(frames)
    if keys is not None:
        rows = keys.matching(rows, wanted)
    if stats is not None:
        stats.rows += rows.height
    return rows.select(handed)
