"""What changed between two snapshots of a table: rows that came, and rows that went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from pyiceberg.manifest import ManifestContent, ManifestFile
from pyiceberg.table import Table

from shared.lake.reading.columns import Columns
from shared.lake.reading.deleted_positions import (
    NONE,
    Named,
    deleted_positions,
    named_by,
    without,
)
from shared.lake.reading.live_files import LiveFile, LiveFiles, files_in, manifests
from shared.lake.reading.read_stats import ReadStats
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
) -> RowChanges:
    """Rows by which ``end`` differs from ``start``, which may be any two retained snapshots.

    Files are told apart by path, among the manifests that the two do not share; nothing is asked
    about the snapshots between, which may be gone. Columns are those of the table now, found by
    field id.

    Rows are a multiset. Those that stand on both sides cancel each other, compared exactly, when
    files went (compaction, copy-on-write, rollback) or both sides are asked for the same columns.
    They are compared in all columns that either side asks for, which are then read on both sides:
    rows equal in them are no change to anyone who sees only these columns.

    Args:
        table: whose files and schema are read.
        start: the version known, ``None`` for nothing: every row of ``end`` was added.
        end: the version wanted.
        added, removed: columns of the rows that came and went.

    Raises:
        NotFound: the table has no such column.
        Refused: a file concerned cannot be read here: equality deletes, deletion vectors, no
            Parquet.
        OSError: the object store does not answer, or lacks a file.
    """
    stats = ReadStats()
    before, after = manifests(table.io, start), manifests(table.io, end)
    own_before = files_in(table, (before[path] for path in before.keys() - after.keys()))
    own_after = files_in(table, (after[path] for path in after.keys() - before.keys()))
    came = _without(own_after.data, own_before.data)
    went = _without(own_before.data, own_after.data)
    stayed = _stayed_and_named(table, after, own_before, own_after, came, went)
    deletes_before = _deletes(table, before) if went or stayed else []
    deletes_after = _deletes(table, after) if came or stayed else []
    stood = {path: own_before.data.get(path, live) for path, live in stayed.items()}
    then = deleted_positions(table.io, {**went, **stood}, deletes_before)
    now = deleted_positions(table.io, {**came, **stayed}, deletes_after)

    cancelling = bool(went) or set(added) == set(removed)
    both = list(dict.fromkeys([*added, *removed]))
    wanted_added = Columns.of(table, both if cancelling else added)
    wanted_removed = Columns.of(table, both if cancelling else removed)

    def rows(
        columns: Columns, new: Mapping[str, LiveFile], mine: Named, other: Named
    ) -> pl.DataFrame:
        back = {path: without(other.get(path, NONE), mine.get(path, NONE)) for path in stayed}
        back = {path: positions for path, positions in back.items() if len(positions)}
        frames = read_rows(columns, new.values(), drop=mine, stats=stats)
        frames += read_rows(columns, (stayed[path] for path in back), keep=back, stats=stats)
        return pl.concat([columns.empty(), *frames])

    rows_added = rows(wanted_added, came, now, then)
    rows_removed = rows(wanted_removed, went, then, now)
    if cancelling and rows_added.height and rows_removed.height:
        rows_added, rows_removed = cancelled(rows_added, rows_removed)
    stats.rows += rows_added.height + rows_removed.height
    return RowChanges(
        rows_added.select(list(dict.fromkeys(added))),
        rows_removed.select(list(dict.fromkeys(removed))),
        stats,
        cancelling or not (rows_added.height and rows_removed.height),
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


def _without(files: Mapping[str, LiveFile], others: Mapping[str, LiveFile]) -> dict[str, LiveFile]:
    return {path: live for path, live in files.items() if path not in others}


def _deletes(table: Table, listed: Mapping[str, ManifestFile]) -> Iterable[LiveFile]:
    chosen = [each for each in listed.values() if each.content == ManifestContent.DELETES]
    return files_in(table, chosen).deletes.values()


def _stayed_and_named(
    table: Table,
    after: Mapping[str, ManifestFile],
    own_before: LiveFiles,
    own_after: LiveFiles,
    came: Mapping[str, LiveFile],
    went: Mapping[str, LiveFile],
) -> dict[str, LiveFile]:
    """Data files live in both snapshots of which a delete file that came or went names rows."""
    differing = [
        *_without(own_after.deletes, own_before.deletes).values(),
        *_without(own_before.deletes, own_after.deletes).values(),
    ]
    named = {
        path
        for path in own_before.data.keys() & own_after.data.keys()
        if own_before.data[path].sequence_number != own_after.data[path].sequence_number
    }
    named |= {
        path
        for each in named_by(table.io, [live.file for live in differing])
        for path in each
        if path not in came and path not in went
    }
    if not named:
        return {}
    data = [each for each in after.values() if each.content == ManifestContent.DATA]
    live = files_in(table, data).data
    return {path: live[path] for path in named & live.keys()}
