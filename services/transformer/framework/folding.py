"""The fold of candidate rows to one row per key.

Idempotent, commutative and associative, so ``fold(fold(A) ∪ B) = fold(A ∪ B)``: a stored row is a
candidate like any other, and nothing but it is needed of the past.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from services.transformer.framework.frames import (
    computed,
    conform,
    schema,
    union,
    without_empty_chunks,
)
from services.transformer.framework.transform import Fold, derivation


def candidates(transform: Fold, rows: pl.DataFrame) -> pl.DataFrame:
    """Candidate rows from rows of the source.

    Raises:
        CheckFailed: the declared function does not give the table's columns.
    """
    where = transform.source.where
    counted = rows.select(transform.source.columns)
    if where is not None:
        counted = counted.filter(where)
    return conform(transform.stage(without_empty_chunks(counted)), transform.target)


def fold(transform: Fold, rows: pl.DataFrame) -> pl.DataFrame:
    """One row per key of candidate or stored rows; without stamped columns.

    A key's only row is its fold. So only rows whose key repeats are compared, which are few.
    """
    names, key = list(computed(transform.target)), list(derivation(transform.target).key)
    rows = rows.select(names)
    repeated = rows.select(key).is_duplicated()
    if not repeated.any():
        return rows
    return union([rows.filter(~repeated), _folded(transform, key, rows.filter(repeated))])


def _folded(transform: Fold, key: list[str], rows: pl.DataFrame) -> pl.DataFrame:
    apart = {*key, *transform.latest, *transform.maxima, *transform.minima}
    rest = [name for name in rows.columns if name not in apart]
    # All columns but those that fold alone take part, so that rows that tie in the declared order
    # have one winner, too, wherever they arrived. Seldom do any tie, and many columns sort slowly.
    best = greatest(rows, [*key, *transform.latest], rest)
    return with_extremes(transform, greatest(best, key, transform.latest), rows)


def with_extremes(transform: Fold, winners: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Winners, one per key, with what folds by itself over all ``rows`` of their keys."""
    key, alone = list(derivation(transform.target).key), [*transform.maxima, *transform.minima]
    if not alone:
        return winners
    extremes = rows.group_by(key).agg(
        *(pl.col(name).max() for name in transform.maxima),
        *(pl.col(name).min() for name in transform.minima),
    )
    folded = winners.drop(alone).join(extremes, on=key, nulls_equal=True)
    return folded.select(winners.columns)


def greatest(rows: pl.DataFrame, among: Sequence[str], by: Sequence[str]) -> pl.DataFrame:
    """Of rows that are equal in ``among`` the one that is greatest by ``by``, null smallest."""
    repeated = rows.select(among).is_duplicated()
    several = ordered(rows.filter(repeated), by)
    first = several.unique(subset=among, keep="first", maintain_order=True)
    return union([rows.filter(~repeated), first])


def ordered(rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Rows, the greatest first."""
    return rows.sort(by, descending=True, nulls_last=True) if by else rows


def fold_chunks(transform: Fold, chunks: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The fold of all source rows, a portion at a time: only rows of the target are held.

    Portions are folded alone, and together whenever they have doubled what was folded before, so
    each row is folded a logarithmic number of times.
    """
    folded = schema(transform.target, computed(transform.target)).to_frame()
    waiting: list[pl.DataFrame] = []
    height = 0
    for chunk in chunks:
        part = fold(transform, candidates(transform, chunk))
        waiting.append(part)
        height += part.height
        if height > max(folded.height, MINIMUM):
            folded, waiting, height = fold(transform, union([folded, *waiting])), [], 0
    return fold(transform, union([folded, *waiting]))


MINIMUM = 50_000
"""Rows that may wait before they are folded together."""
