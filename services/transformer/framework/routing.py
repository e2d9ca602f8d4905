"""From changed rows to the groups that they touch, and from groups to all of their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from services.transformer.framework.frames import FILE, POSITION, union, without
from services.transformer.framework.lake import Changes, Heads, Lake
from services.transformer.framework.transform import Group, Input, Route
from shared.lake.reading.keys import Keys


def counted(source: Input, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of an input that count."""
    return rows if source.where is None else rows.filter(source.where)


def roots(expressions: Iterable[pl.Expr], where: pl.Expr | None) -> list[str]:
    """The columns that are needed to evaluate expressions on the rows that count."""
    used = [*expressions, *([] if where is None else [where])]
    return list(dict.fromkeys(name for each in used for name in each.meta.root_names()))


def touched(transform: Group, route: Route, rows: pl.DataFrame) -> pl.DataFrame:
    """The groups that rows touch, each once. ``rows`` are all of the input's that changed."""
    rows = counted(route.input, rows)
    if route.touches is not None:
        groups = route.touches(rows.select(route.input.columns)).select(transform.group)
    else:
        groups = rows.select(**{name: route.by[name] for name in transform.group})
    return groups.unique()


def touched_by(transform: Group, changes: Mapping[str, Changes]) -> pl.DataFrame | None:
    """The groups that changed rows touch, by their old and by their new version.

    ``None`` when nothing changed at all.
    """
    groups = [
        touched(transform, route, rows)
        for route in transform.routes
        if (change := changes.get(route.input.table)) is not None
        for rows in versions(change)
        if not rows.is_empty()
    ]
    return union(groups).unique() if groups else None


def versions(change: Changes) -> tuple[pl.DataFrame, ...]:
    """Old and new versions of changed rows."""
    return change.removed, change.added


def rows_of(
    transform: Group,
    groups: pl.DataFrame,
    heads: Heads,
    lake: Lake,
    changes: Mapping[str, Changes] | None = None,
) -> dict[str, pl.DataFrame]:
    """All rows that the groups need, of every input, each once.

    With ``changes`` those rows of a ``whole`` route that have just been added are not read again:
    each is all that its group has in that input.
    """
    return {
        source.table: _of_input(transform, source, groups, heads, lake, changes or {})
        for source in transform.inputs
    }


def keys_for(route: Route, groups: pl.DataFrame) -> Keys:
    """What is read of a route's input for these groups."""
    frame = groups if route.needs is None else route.needs(groups)
    return Keys(
        frame.select(list(route.by)).unique(),
        route.by,
        {} if route.bounds is None else route.bounds(groups),
    )


def _of_input(
    transform: Group,
    source: Input,
    groups: pl.DataFrame,
    heads: Heads,
    lake: Lake,
    changes: Mapping[str, Changes],
) -> pl.DataFrame:
    head = heads[source.table]
    columns = list(source.columns)
    if head is None:
        return lake.empty(source.table, columns)
    routes = [route for route in transform.routes if route.input.table == source.table]
    change = changes.get(source.table)
    if len(routes) == 1:
        (route,) = routes
        if route.whole and change is not None:
            return _added_and_read(transform, route, groups, change, lake, heads)
        keys = keys_for(route, groups)
        return counted(source, lake.scan(source.table, head.cut, columns, keys, located=False))
    found = [
        lake.scan(source.table, head.cut, columns, keys_for(route, groups), located=True)
        for route in routes
    ]
    once = union(found).unique(subset=[FILE, POSITION], keep="any")
    return counted(source, once.select(columns))


def _added_and_read(
    transform: Group,
    route: Route,
    groups: pl.DataFrame,
    change: Changes,
    lake: Lake,
    heads: Heads,
) -> pl.DataFrame:
    """Rows of a whole route: those added, and those of groups that are touched otherwise.

    A group that rows have only left is read: the key may have had two rows, which it should not,
    and one of them was taken away.
    """
    source, columns = route.input, list(route.input.columns)
    added = counted(source, change.added.select(columns))
    there = change.added.select(**{name: route.by[name] for name in transform.group})
    others = without(groups, there)
    head = heads[source.table]
    if others.is_empty() or head is None:
        return added
    read = lake.scan(source.table, head.cut, columns, keys_for(route, others), located=False)
    return union([added, counted(source, read)])


def sizes(transform: Group, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Rows per group over all routes whose rows belong to one group each: ``group…, rows``."""
    counts = [
        frames[route.input.table].select(**{name: route.by[name] for name in transform.group})
        for route in transform.routes
        if route.touches is None
    ]
    if not counts:
        return pl.DataFrame(schema={"rows": pl.UInt32})
    return union(counts).group_by(transform.group).agg(rows=pl.len())


def closed(transform: Group, groups: pl.DataFrame, heads: Heads, lake: Lake) -> pl.DataFrame:
    """The groups and all that they reach: routes followed until nothing new is touched.

    Ends, because there are no more groups than the inputs name.
    """
    reached = frontier = groups.unique()
    while not frontier.is_empty():
        frames = rows_of(transform, frontier, heads, lake)
        further = union(
            [touched(transform, route, frames[route.input.table]) for route in transform.routes]
        ).unique()
        frontier = without(further, reached)
        reached = union([reached, frontier])
    return reached
