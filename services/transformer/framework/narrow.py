"""What differs from the stored rows, found out from few of their columns.

Comparing takes all columns of every stored row that might differ, and of scattered changes that is
most of what a build reads. Often it is known already that rows differ; then where they are is
enough, which their keys tell.
"""

from __future__ import annotations

import polars as pl

from services.transformer.framework.folding import greatest, with_extremes
from services.transformer.framework.frames import (
    FILE,
    POSITION,
    Difference,
    computed,
    require_unique,
    union,
    within,
    without,
)
from services.transformer.framework.lake import Lake, TargetHead, equal_to
from services.transformer.framework.transform import Fold, derivation
from shared.tables.spec import TableSpec


def overtaking(transform: Fold, rows: pl.DataFrame, target: TargetHead, lake: Lake) -> Difference:
    """What those of the rows change that are later than the stored row of their key, or its first.

    They differ from it in what decides which is later. Of the others nothing is said: their keys do
    not appear in ``appended``.

    Args:
        transform: of the target.
        rows: folded candidates, one per key.
        target: where the target stands.
        lake: where it is read.
    """
    spec, key = transform.target, list(derivation(transform.target).key)
    order = [*key, *transform.latest]
    alone = [*key, *transform.maxima, *transform.minima]
    columns = list(dict.fromkeys([*order, *alone]))
    stored = lake.stored(spec.name, target.snapshot_id, equal_to(rows.select(key)), columns)
    both = union(
        [
            rows.select(*order, coming=pl.lit(value=True)),
            stored.select(*order, coming=pl.lit(value=False)),
        ]
    )
    apart = both.filter(~both.select(order).is_duplicated())
    winners = greatest(apart, key, transform.latest).filter("coming").select(key)
    repeated = stored.select(key).filter(stored.select(key).is_duplicated())
    winners = without(winners, repeated)
    won, gone = within(rows, winners), within(stored, winners)
    appended = with_extremes(transform, won, union([won.select(alone), gone.select(alone)]))
    return Difference(appended, gone.select(FILE, POSITION), 0)


def succeeding(
    spec: TableSpec, before: pl.DataFrame, after: pl.DataFrame, target: TargetHead, lake: Lake
) -> Difference | None:
    """What changes some groups, given all rows that they had, and all that they have.

    Args:
        spec: the target.
        before: what the target's function gives for what the groups consisted of when they were
            written.
        after: the same for what they consist of now.
        target: where the target stands.
        lake: where it is read.

    Returns:
        the difference; ``None`` when other keys are stored than there should be.

    Raises:
        CheckFailed: two computed rows have the same key.
    """
    require_unique(after, spec)
    key, names = list(derivation(spec).key), list(computed(spec))
    same = within(before, after.select(names))
    come, gone = without(after, same), without(before, same)
    keys = union([come.select(key), gone.select(key)]).unique()
    stored = lake.stored(spec.name, target.snapshot_id, equal_to(keys), key)
    if stored.height != gone.height or without(gone.select(key), stored.select(key)).height:
        return None
    return Difference(come, stored.select(FILE, POSITION), same.height)
