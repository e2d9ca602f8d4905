"""Frames and declared tables: types, what a function may give back, rows that differ.

Comparisons are null-safe: null equals null, and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from services.transformer.framework.transform import derivation
from shared.runtime.errors import CheckFailed
from shared.tables.spec import TableSpec, Type

FILE, POSITION = "_file", "_pos"
"""Where a stored row is: the data file and the row's number in it."""

DTYPES: dict[Type, pl.DataType] = {
    Type.STRING: pl.String(),
    Type.JSON: pl.String(),
    Type.INT: pl.Int32(),
    Type.LONG: pl.Int64(),
    Type.BOOLEAN: pl.Boolean(),
    Type.TIMESTAMP: pl.Datetime("us", "UTC"),
    Type.DATE: pl.Date(),
    Type.DOUBLE: pl.Float64(),
    Type.BINARY: pl.Binary(),
    Type.DECIMAL_18_2: pl.Decimal(18, 2),
    Type.DECIMAL_10_2: pl.Decimal(10, 2),
    Type.DECIMAL_7_4: pl.Decimal(7, 4),
    Type.DECIMAL_7_2: pl.Decimal(7, 2),
    Type.DECIMAL_5_4: pl.Decimal(5, 4),
    Type.DECIMAL_5_2: pl.Decimal(5, 2),
    Type.DECIMAL_3_2: pl.Decimal(3, 2),
}
"""Column types as frames have them."""


def schema(spec: TableSpec, columns: Sequence[str] | None = None) -> pl.Schema:
    """The frame's schema of a table, or of some of its columns in that order."""
    names = [column.name for column in spec.columns] if columns is None else columns
    return pl.Schema({name: DTYPES[spec.column(name).type] for name in names})


def computed(spec: TableSpec) -> tuple[str, ...]:
    """The columns that a derived table's function computes: all but the stamped ones."""
    stamped = derivation(spec).stamped
    return tuple(column.name for column in spec.columns if column.name not in stamped)


def without_empty_chunks(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows, in one chunk a column where a column has an empty one.

    A filter leaves them, in some columns and not in others, and text functions of polars 2.1 panic
    over that (``pl.format`` within ``pl.when``).
    """
    several = (column for column in rows.iter_columns() if column.n_chunks() > 1)
    if any(not len(chunk) for column in several for chunk in column.get_chunks()):
        return rows.rechunk()
    return rows


def conform(frame: pl.DataFrame, spec: TableSpec) -> pl.DataFrame:
    """What a function gave back, as rows of its table: columns in order, types exact.

    Integers may be narrower than declared and a column of nothing may have no type. Whatever else
    differs is an error: a cast would hide a rounding.

    Raises:
        CheckFailed: columns are missing, unknown or of another type, a required one is null, or a
            value does not fit its type.
    """
    wanted = schema(spec, computed(spec))
    if set(frame.columns) != set(wanted):
        missing, unknown = set(wanted) - set(frame.columns), set(frame.columns) - set(wanted)
        raise CheckFailed(
            f"the function of {spec.name} misses {sorted(missing)} and gives {sorted(unknown)}",
            "compare the function's columns with the table's declaration",
        )
    casts = []
    for name, dtype in wanted.items():
        given = frame.schema[name]
        if given == dtype:
            casts.append(pl.col(name))
        elif given == pl.Null or (given.is_integer() and dtype.is_integer()):
            casts.append(pl.col(name).cast(dtype))
        else:
            raise CheckFailed(
                f"the function of {spec.name} gives {name} as {given}, declared is {dtype}",
                "cast it in the function, where the rounding is visible",
            )
    try:
        rows = frame.select(casts)
    except pl.exceptions.InvalidOperationError:
        narrower = [name for name, dtype in wanted.items() if frame.schema[name] != dtype]
        raise CheckFailed(
            f"the function of {spec.name} gives a value that does not fit one of {narrower}",
            "compare the function's values with the table's declaration",
        ) from None  # its text quotes the value
    for column in spec.columns:
        if column.required and column.name in wanted and rows[column.name].null_count():
            raise CheckFailed(
                f"the function of {spec.name} gives null for {column.name}, which is required",
                "leave such rows out, or let the table take them",
            )
    return rows


def stamp(rows: pl.DataFrame, spec: TableSpec, now: datetime) -> pl.DataFrame:
    """Rows as they are written: with the stamped columns, in the table's order."""
    full = schema(spec)
    stamped = [pl.lit(now).cast(full[name]).alias(name) for name in derivation(spec).stamped]
    return rows.with_columns(stamped).select(list(full))


def within(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """The rows whose columns named by ``keys`` stand in it."""
    return rows.join(keys, on=keys.columns, how="semi", nulls_equal=True)


def without(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """The rows whose columns named by ``keys`` do not stand in it."""
    return rows.join(keys, on=keys.columns, how="anti", nulls_equal=True)


def union(frames: Collection[pl.DataFrame]) -> pl.DataFrame:
    """The rows of all, whatever the order of their columns."""
    first, *others = frames
    return pl.concat([first, *(each.select(first.columns) for each in others)])


def require_unique(rows: pl.DataFrame, spec: TableSpec) -> None:
    """Hold computed rows to the table's key.

    Raises:
        CheckFailed: two of them have the same.
    """
    key = list(derivation(spec).key)
    repeated = rows.select(key).is_duplicated()
    if repeated.any():
        example = rows.select(key).filter(repeated).row(0, named=True)
        raise CheckFailed(
            f"the function of {spec.name} gives more than one row for {example}",
            "the key must identify a row",
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """What makes stored rows into computed ones.

    Attributes:
        appended: rows to write, without stamped columns.
        deleted: :data:`FILE` and :data:`POSITION` of stored rows that go.
        kept: how many stored rows stay.
    """

    appended: pl.DataFrame
    deleted: pl.DataFrame
    kept: int


def difference(stored: pl.DataFrame, rows: pl.DataFrame, spec: TableSpec) -> Difference:
    """Compare ``stored`` rows, located, with the ``rows`` that should be there.

    A stored row stays when a computed one equals it in all that is computed. Of stored rows that
    repeat one another all but one go.

    Raises:
        CheckFailed: two computed rows have the same key.
    """
    require_unique(rows, spec)
    names = list(computed(spec))
    if stored.is_empty():
        return Difference(rows, stored.select(FILE, POSITION), 0)
    once = stored.unique(subset=names, keep="any", maintain_order=False)
    same = once.join(rows, on=names, how="semi", nulls_equal=True)
    return Difference(
        appended=rows.join(once, on=names, how="anti", nulls_equal=True),
        deleted=without(stored.select(FILE, POSITION), same.select(FILE, POSITION)),
        kept=same.height,
    )
