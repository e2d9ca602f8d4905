"""A few groups of a table, chosen by chance from what is stored and from what the inputs have.

Chosen by a hash of the group, so that the same seed chooses the same groups whatever the order of
rows, and only a few groups are held while everything passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from services.transformer.framework.frames import schema, union
from services.transformer.framework.lake import Heads, Lake
from services.transformer.framework.routing import roots, touched
from services.transformer.framework.transform import Fold, Group, Route, Transform, derivation
from shared.lake.provenance import SourceCut

_HASH = "_chosen_by"


def group_columns(transform: Transform) -> list[str]:
    """The columns that name what is computed together: a group, or the key of a fold."""
    if isinstance(transform, Fold):
        return list(derivation(transform.target).key)
    return list(transform.group)


def chosen(
    transform: Transform, heads: Heads, lake: Lake, snapshot_id: int, number: int, seed: int
) -> pl.DataFrame:
    """At most ``number`` groups of the stored rows, and as many of the inputs.

    Those of the inputs find rows that are missing. Of a fold without access by key the inputs are
    not asked.

    Args:
        transform: how the table is built.
        heads: the inputs at their cuts.
        lake: the tables.
        snapshot_id: the target's.
        number: how many, at least one.
        seed: chooses others.
    """
    columns = group_columns(transform)
    target = transform.target
    cut = SourceCut("", snapshot_id, 0)
    found = [_least(lake.chunks(target.name, cut, columns), number, seed)]
    if isinstance(transform, Fold):
        found += [_least(_keys(transform, heads, lake), number, seed)]
    else:
        found += [
            _least(_touched(transform, route, heads, lake), number, seed)
            for route in transform.routes
        ]
    typed = schema(target, columns)
    nothing = typed.to_frame()
    return union([nothing, *(each.cast(typed) for each in found if each.width)]).unique()


def _keys(transform: Fold, heads: Heads, lake: Lake) -> Iterator[pl.DataFrame]:
    source = transform.source
    head = heads[source.table]
    if head is None or not transform.by:
        return
    for rows in lake.chunks(source.table, head.cut, roots(transform.by.values(), source.where)):
        yield (rows if source.where is None else rows.filter(source.where)).select(**transform.by)


def _touched(transform: Group, route: Route, heads: Heads, lake: Lake) -> Iterator[pl.DataFrame]:
    source = route.input
    head = heads[source.table]
    if head is None:
        return
    columns = list(source.columns)
    if route.touches is None:
        columns = roots(route.by.values(), source.where)
    for rows in lake.chunks(source.table, head.cut, columns):
        yield touched(transform, route, rows)


def _least(frames: Iterable[pl.DataFrame], number: int, seed: int) -> pl.DataFrame:
    """The ``number`` different rows of all frames that have the smallest hash."""
    kept = pl.DataFrame()
    for frame in frames:
        hashed = frame.unique().with_columns(pl.struct(pl.all()).hash(seed).alias(_HASH))
        both = hashed if kept.is_empty() else pl.concat([kept, hashed]).unique()
        kept = both.sort(_HASH).head(number)
    return kept.drop(_HASH, strict=False)
