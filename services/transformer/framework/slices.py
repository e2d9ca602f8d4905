"""Touched groups in slices whose rows can be held, where files tell the groups apart.

A change may touch nearly every group of a table that is far larger than memory. Groups are
independent of each other, so they are computed some at a time; neighbours in the order of the group
columns are in the same files as a rule (days, months), which then are read once.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import polars as pl

from services.transformer.framework.lake import Heads, Lake
from services.transformer.framework.routing import keys_for
from services.transformer.framework.transform import Closure, Group

MOST_ROWS = 2_000_000
"""Input rows of touched groups that are read at once, as far as files let them be told apart."""

MOST_READ_AGAIN = 1.5
"""A cut that makes the files of a slice be read more often than this is none: keys in no order,
such as customers of orders, are in every file."""


def slices(transform: Group, groups: pl.DataFrame, heads: Heads, lake: Lake) -> list[pl.DataFrame]:
    """The groups, in slices.

    Args:
        transform: whose groups they are.
        groups: each once.
        heads: where its inputs stand.
        lake: asked how many rows the files of some groups have; no row is read.
    """
    if isinstance(transform, Closure):  # what a group needs lies in others
        return [groups]
    rows = _reach(transform, groups, heads, lake)
    if rows <= MOST_ROWS:
        return [groups]
    ordered = groups.sort(transform.group)
    return list(_divided(transform, ordered, rows, heads, lake))


def _divided(
    transform: Group, groups: pl.DataFrame, rows: int, heads: Heads, lake: Lake
) -> Iterator[pl.DataFrame]:
    if rows > MOST_ROWS and groups.height > 1:
        ends = (0, groups.height // 2, groups.height)
        halves = [groups.slice(first, last - first) for first, last in pairwise(ends)]
        reached = [_reach(transform, half, heads, lake) for half in halves]
        if sum(reached) <= MOST_READ_AGAIN * rows:
            for half, count in zip(halves, reached, strict=True):
                yield from _divided(transform, half, count, heads, lake)
            return
    yield groups


def _reach(transform: Group, groups: pl.DataFrame, heads: Heads, lake: Lake) -> int:
    """Rows of the input files that may have rows of these groups."""
    return sum(
        lake.reach(route.input.table, head.cut, keys_for(route, groups))
        for route in transform.routes
        if (head := heads[route.input.table]) is not None
    )
