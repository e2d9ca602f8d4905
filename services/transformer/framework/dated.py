"""A refresh of some days: what has to be computed anew for them, and what of it counts.

It is an incremental build with more keys: besides what changed rows touch, what stored rows of
these days belong to, so that wrong and superfluous rows go, and what input rows of these days lead
to, so that missing ones come. Of groups that are touched for their days alone, only rows of these
days are compared, by their stored or by their computed day: the rest of the table stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time

import polars as pl

from services.transformer.framework.folding import candidates
from services.transformer.framework.frames import (
    DTYPES,
    Difference,
    difference,
    schema,
    union,
    within,
)
from services.transformer.framework.lake import Changes, Heads, Lake, TargetHead
from services.transformer.framework.routing import counted, roots, touched
from services.transformer.framework.transform import Fold, Group, Route, Transform, derivation
from shared.contracts.days import Days
from shared.lake.reading.keys import Keys
from shared.tables.spec import Column, TableSpec

_WANTED = "_of_days"


def day_column(target: TableSpec) -> Column:
    """The column by whose day rows of the target are told.

    Raises:
        ValueError: it has none.
    """
    if target.dated is None:
        raise ValueError(f"{target.name} has no column that says of which day a row is")
    return target.dated


def of_days(column: pl.Expr, dtype: pl.DataType, days: Days) -> pl.Expr:
    """Whether a row's day lies in the range; null does not."""
    first, last = _ends(dtype, days)
    conditions = [column.is_not_null()]
    conditions += [] if first is None else [column >= pl.lit(first, dtype)]
    conditions += [] if last is None else [column <= pl.lit(last, dtype)]
    return pl.all_horizontal(conditions)


def _ends(dtype: pl.DataType, days: Days) -> tuple[date | datetime | None, date | datetime | None]:
    if dtype == pl.Date:
        return days.first, days.last
    return (
        None if days.first is None else datetime.combine(days.first, time.min, UTC),
        None if days.last is None else datetime.combine(days.last, time.max, UTC),
    )


def _keys(condition: pl.Expr, column: str | None, dtype: pl.DataType, days: Days) -> Keys:
    """Rows that meet a condition; ``column`` lets the read leave out files of other days."""
    bounds = {} if column is None else {column: _ends(dtype, days)}
    return Keys(pl.DataFrame({_WANTED: [True]}), {_WANTED: condition}, bounds)


def stored_of_days(
    target: TableSpec, head: TargetHead, days: Days, lake: Lake, columns: list[str]
) -> pl.DataFrame:
    """Some columns of the target's rows of these days."""
    day = day_column(target)
    dtype = DTYPES[day.type]
    keys = _keys(of_days(pl.col(day.name), dtype, days), day.name, dtype, days)
    return lake.stored(target.name, head.snapshot_id, keys, columns).select(columns)


def keys_of_days(
    transform: Fold, heads: Heads, target: TargetHead, days: Days, lake: Lake
) -> pl.DataFrame:
    """Keys of a fold that these days are about: of stored rows and of source rows."""
    spec, key = transform.target, list(derivation(transform.target).key)
    found = [stored_of_days(spec, target, days, lake, key)]
    return union([*found, *(keys.select(key) for keys in _of_source(transform, heads, days, lake))])


def _of_source(transform: Fold, heads: Heads, days: Days, lake: Lake) -> Iterator[pl.DataFrame]:
    source, day = transform.source, day_column(transform.target)
    head, types = heads[source.table], schema(transform.target)
    if head is None:
        return
    if transform.dated is None or not transform.by:
        wanted = of_days(pl.col(day.name), types[day.name], days)
        for chunk in lake.chunks(source.table, head.cut, source.columns):
            yield candidates(transform, chunk).filter(wanted)
        return
    columns = roots([*transform.by.values(), pl.col(transform.dated)], source.where)
    rows = _scanned(source.table, columns, transform.dated, heads, days, lake)
    yield counted(source, rows).select(**transform.by)


def _scanned(
    table: str, columns: list[str], dated: str, heads: Heads, days: Days, lake: Lake
) -> pl.DataFrame:
    """Rows of an input whose day, told by a column of theirs, lies in the range."""
    head = heads[table]
    dtype = lake.empty(table, [dated]).schema[dated]
    if head is None:
        return lake.empty(table, columns)
    keys = _keys(of_days(pl.col(dated), dtype, days), dated, dtype, days)
    return lake.scan(table, head.cut, columns, keys, located=False)


def groups_of_days(
    transform: Group,
    heads: Heads,
    target: TargetHead,
    days: Days,
    lake: Lake,
    read: Mapping[str, pl.DataFrame],
) -> pl.DataFrame:
    """Groups that these days are about: of stored rows, and those that input rows lead to.

    ``read`` are inputs' rows of these days that have been read already.
    """
    spec, group = transform.target, list(transform.group)
    found = [stored_of_days(spec, target, days, lake, group)]
    for route in transform.routes:
        rows = read.get(route.input.table)
        if rows is not None:
            found.append(touched(transform, route, rows))
        else:
            found += _of_route(transform, route, heads, days, lake)
    return union(found).unique()


def rows_of_days(route: Route, heads: Heads, days: Days, lake: Lake) -> pl.DataFrame | None:
    """The rows of a dated route's input that are of these days; ``None``: it does not tell."""
    if route.dated is None:
        return None
    return _scanned(route.input.table, list(route.input.columns), route.dated, heads, days, lake)


def _of_route(
    transform: Group, route: Route, heads: Heads, days: Days, lake: Lake
) -> Iterable[pl.DataFrame]:
    source, day = route.input, day_column(transform.target)
    head, dtype = heads[source.table], DTYPES[day.type]
    if head is None:
        return
    windowed, grouped = route.touches is not None, day.name in transform.group
    columns = roots(route.by.values(), source.where)
    if route.dated is not None:
        dated = list(dict.fromkeys([*columns, route.dated]))
        rows = _scanned(source.table, dated, route.dated, heads, days, lake)
        yield touched(transform, route, rows)
    elif grouped and not windowed:
        by = route.by[day.name]
        plain = by.meta.root_names()[0] if by.meta.is_column() else None
        keys = _keys(of_days(by, dtype, days), plain, dtype, days)
        rows = lake.scan(source.table, head.cut, columns, keys, located=False)
        yield touched(transform, route, rows)
    else:
        needed = source.columns if windowed else columns
        for rows in lake.chunks(source.table, head.cut, needed):
            groups = touched(transform, route, rows)
            # A group that names its day has no row of another one.
            yield groups.filter(of_days(pl.col(day.name), dtype, days)) if grouped else groups


def difference_of_days(
    transform: Transform,
    stored: pl.DataFrame,
    rows: pl.DataFrame,
    touching: pl.DataFrame,
    days: Days,
) -> Difference:
    """What makes stored rows into computed ones: of what changed rows touch, all; of the rest only
    what is of these days, as it is stored or as it is computed.

    Args:
        transform: of the target.
        stored: its rows of all that was computed, located.
        rows: computed.
        touching: keys or groups that changed rows touch.
        days: the range.
    """
    spec, key = transform.target, list(derivation(transform.target).key)
    day = day_column(spec)
    wanted = of_days(pl.col(day.name), DTYPES[day.type], days)
    keys = union(
        [
            part.select(key)
            for frame in (stored, rows)
            for part in (frame.filter(wanted), within(frame, touching))
        ]
    ).unique()
    return difference(within(stored, keys), within(rows, keys), spec)


class Widened:
    """Changes of an input that is routed whole, and its rows of some days as if they had come.

    Each of these rows is all that its group has, so none is read again.
    """

    def __init__(
        self, transform: Group, route: Route, change: Changes | None, rows: pl.DataFrame
    ) -> None:
        self.added = rows
        self.removed = rows.clear() if change is None else change.removed
        if change is not None:
            # A row that has come and is of these days is there once.
            by = {name: route.by[name] for name in transform.group}
            named = {f"_group_{name}": expression for name, expression in by.items()}
            come = change.added.select(rows.columns)
            there = rows.select(**named)
            others = come.with_columns(**named).join(
                there, on=list(named), how="anti", nulls_equal=True
            )
            self.added = union([rows, others.select(rows.columns)])
