"""Rows of a snapshot as a data frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from pyiceberg.table import Table

from shared.lake.reading.columns import Columns
from shared.lake.reading.deleted_positions import Named, deleted_positions
from shared.lake.reading.live_files import LiveFile, live_files
from shared.lake.reading.parquet_files import ParquetFile, open_files
from shared.lake.table_state import SnapshotEntry

FILE, POS = "_file", "_pos"
"""Where a row is: the path of its data file (String) and its position there (Int64, from 0)."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Rows wanted: those whose ``by`` expressions, evaluated on a row, stand in ``frame``.

    Null equals null.

    Attributes:
        frame: one column per key part.
        by: key part → expression over stored columns. Plain ``pl.col(c)`` prunes files and row
            groups by their bounds.
        bounds: further bounds on stored columns, inclusive, for pruning alone: a row beyond them
            may or may not come.
    """

    frame: pl.DataFrame
    by: Mapping[str, pl.Expr]
    bounds: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class ReadStats:
    """What reading took; adds up over calls.

    Attributes:
        files: data files opened.
        bytes: of whole files that came with one request, of the columns asked for in others.
        rows: handed out.
    """

    files: int = 0
    bytes: int = 0
    rows: int = 0


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
        keys: only rows of these keys.
        where: only rows for which this is true.
        located: add ``_file`` and ``_pos``.
        stats: is added to.

    Returns:
        a frame of exactly these columns and types, whether there are rows or not.

    Raises:
        NotFound: the table has no such column.
        Refused: the snapshot has files that cannot be read here.
        OSError: the object store does not answer, or lacks a file.
    """
    read = _columns_read(columns, keys, where)
    wanted = Columns.of(table, read)
    handed = [*dict.fromkeys(columns), *((FILE, POS) if located else ())]
    if snapshot is None or (keys is not None and keys.frame.is_empty()):
        return with_places(wanted.empty()).select(handed)
    live = live_files(table, snapshot)
    gone = deleted_positions(table.io, live.data, live.deletes.values())
    frames = read_rows(wanted, live.data.values(), drop=gone, located=located, stats=stats)
    rows = pl.concat(frames).lazy() if frames else with_places(wanted.empty()).lazy()
    if where is not None:
        rows = rows.filter(where)
    if keys is not None:
        rows = matching(rows, keys, wanted)
    result = rows.select(handed).collect()
    if stats is not None:
        stats.rows += result.height
    return result


def read_rows(
    columns: Columns,
    files: Iterable[LiveFile],
    *,
    keep: Named | None = None,
    drop: Named | None = None,
    located: bool = False,
    stats: ReadStats | None = None,
) -> list[pl.DataFrame]:
    """Rows of data files: of each those at the positions ``keep``, or all but those at ``drop``."""
    wanted = list(files)
    lazy: list[pl.LazyFrame] = []
    opened = open_files(columns.table.io, [each.file for each in wanted])
    for live, file in zip(wanted, opened, strict=True):
        kept = None if keep is None else keep.get(file.path)
        dropped = None if drop is None else drop.get(file.path)
        placed = located or kept is not None or dropped is not None
        rows = file.scan(POS if placed else None)
        if kept is not None:
            rows = rows.filter(pl.col(POS).is_in(kept.implode()))
        if dropped is not None:
            rows = rows.filter(~pl.col(POS).is_in(dropped.implode()))
        chosen = columns.expressions(live.file, file.layout)
        if located:
            chosen += [pl.lit(file.path).alias(FILE), pl.col(POS)]
        lazy.append(rows.select(chosen))
        if stats is not None:
            stats.files += 1
            stats.bytes += _bytes(columns, live, file)
    return pl.collect_all(lazy)


def matching(rows: pl.LazyFrame, keys: Keys, columns: Columns) -> pl.LazyFrame:
    """The rows whose key expressions stand in the frame of keys."""
    parts = {f"_key_{name}": by for name, by in keys.by.items()}
    types = columns.empty().select(**parts).schema
    wanted = keys.frame.lazy().select(
        pl.col(name).cast(types[f"_key_{name}"]).alias(f"_key_{name}") for name in keys.by
    )
    return rows.with_columns(**parts).join(
        wanted.unique(), on=list(parts), how="semi", nulls_equal=True
    )


def with_places(rows: pl.DataFrame) -> pl.DataFrame:
    """Empty columns for places beside an empty frame."""
    return rows.with_columns(pl.lit(None, pl.String).alias(FILE), pl.lit(None, pl.Int64).alias(POS))


def _columns_read(columns: Sequence[str], keys: Keys | None, where: pl.Expr | None) -> list[str]:
    looked_at = [] if where is None else where.meta.root_names()
    for by in () if keys is None else keys.by.values():
        looked_at += by.meta.root_names()
    return list(dict.fromkeys([*columns, *looked_at]))


def _bytes(columns: Columns, live: LiveFile, file: ParquetFile) -> int:
    if file.whole:
        return file.size
    names = columns.names_in(live.file, file.layout).values()
    return sum(file.layout.sizes.get(name, 0) for name in names)
