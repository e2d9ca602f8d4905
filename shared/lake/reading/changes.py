"""What changed between two snapshots of a table: rows that came, and rows that went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from pyiceberg.table import Table

from shared.lake.reading.columns import Columns
from shared.lake.reading.file_changes import FileChanges, file_changes
from shared.lake.reading.read_stats import ReadStats
from shared.lake.reading.rewrites import History, around_rewrites
from shared.lake.reading.rows import read_rows
from shared.lake.table_state import SnapshotEntry


@dataclass(frozen=True, slots=True)
class RowChanges:
    """Rows that came and rows that went.

    Attributes:
        added: rows of ``end`` that are not in ``start``.
        removed: rows of ``start`` that are not in ``end``.
        stats: what finding them took.
        exact: no row stands on both sides. Otherwise both versions of a rewritten row are given
            even where they are equal in the columns asked for.
    """

    added: pl.DataFrame
    removed: pl.DataFrame
    stats: ReadStats
    exact: bool


def changes(
    table: Table,
    start: SnapshotEntry | None,
    end: SnapshotEntry,
    *,
    added: Sequence[str],
    removed: Sequence[str],
    history: History | None = None,
) -> RowChanges:
    """Rows by which ``end`` differs from ``start``, which may be any two retained snapshots.

    What is read are the files that only one of them has, and the files whose deleted positions
    differ. The snapshots between may be gone; as far as they are retained, those that only rewrote
    files (operation ``replace``) are stepped over, so that a compaction costs no reading. Columns
    are those of the table now, found by field id.

    Rows are a multiset. Those that stand on both sides cancel each other, compared exactly, when
    files went (copy-on-write, rollback, a compaction that cannot be stepped over) or when both
    sides are asked for the same columns. They are compared in all columns that either side asks
    for, which are then read on both sides: rows equal in these are no change to anyone who sees
    nothing else.

    Args:
        table: whose files and schema are read.
        start: the version known, ``None`` for nothing: every row of ``end`` was added.
        end: the version wanted.
        added, removed: columns of the rows that came and went.
        history: finds the snapshots between the two. By default ``table`` does; one that was
            loaded before they were committed does not know them.

    Raises:
        NotFound: the table has no such column.
        Refused: a file concerned cannot be read here: equality deletes, deletion vectors, no
            Parquet.
        OSError: the object store does not answer, or lacks a file.
    """
    stats = ReadStats()
    steps = [file_changes(table, start, end)]
    if start is not None and steps[0].went:
        shorter = around_rewrites(table, start, end, history)
        steps = steps if shorter is None else shorter
    cancelling = len(steps) > 1 or any(each.went for each in steps) or set(added) == set(removed)
    both = [*added, *removed]
    columns_added = Columns.of(table, both if cancelling else added)
    columns_removed = Columns.of(table, both if cancelling else removed)
    rows_added = pl.concat(
        [columns_added.empty(), *(f for each in steps for f in _added(each, columns_added, stats))]
    )
    rows_removed = pl.concat(
        [
            columns_removed.empty(),
            *(f for each in steps for f in _removed(each, columns_removed, stats)),
        ]
    )
    exact = cancelling or rows_added.is_empty() or rows_removed.is_empty()
    if cancelling and rows_added.height and rows_removed.height:
        rows_added, rows_removed = cancelled(rows_added, rows_removed)
    stats.rows += rows_added.height + rows_removed.height
    return RowChanges(
        rows_added.select(list(dict.fromkeys(added))),
        rows_removed.select(list(dict.fromkeys(removed))),
        stats,
        exact,
    )


def cancelled(added: pl.DataFrame, removed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two multisets of rows of the same columns without what they have in common."""
    columns = added.columns

    def numbered(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(pl.int_range(pl.len()).over(columns).alias("_nth"))

    first, second = numbered(added), numbered(removed)
    on = [*columns, "_nth"]
    return (
        first.join(second, on=on, how="anti", nulls_equal=True).select(columns),
        second.join(first, on=on, how="anti", nulls_equal=True).select(columns),
    )


def _added(step: FileChanges, columns: Columns, stats: ReadStats) -> list[pl.DataFrame]:
    restored = step.restored()
    back = [step.stayed[path] for path in restored]
    return [
        *read_rows(columns, step.came.values(), drop=step.after, stats=stats),
        *read_rows(columns, back, keep=restored, stats=stats),
    ]


def _removed(step: FileChanges, columns: Columns, stats: ReadStats) -> list[pl.DataFrame]:
    deleted = step.deleted()
    lost = [step.stayed[path] for path in deleted]
    return [
        *read_rows(columns, step.went.values(), drop=step.before, stats=stats),
        *read_rows(columns, lost, keep=deleted, stats=stats),
    ]
