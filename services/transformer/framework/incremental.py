"""A target brought forward: the keys and groups that changed rows lead to."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from services.transformer.framework import routing
from services.transformer.framework.computed import (
    Computed,
    built,
    changed,
    is_whole,
    largest_of,
    no_rows,
)
from services.transformer.framework.dated import (
    Widened,
    difference_of_days,
    groups_of_days,
    keys_of_days,
    rows_of_days,
)
from services.transformer.framework.folding import candidates, fold, fold_chunks
from services.transformer.framework.frames import Difference, difference, union, within, without
from services.transformer.framework.lake import Changes, Heads, Lake, equal_to
from services.transformer.framework.narrow import overtaking, succeeding
from services.transformer.framework.plan import Incremental
from services.transformer.framework.slices import slices
from services.transformer.framework.transform import Closure, Fold, Group, derivation
from shared.contracts.days import Days
from shared.lake.provenance import SourceCut
from shared.lake.reading.keys import Keys

KEYS_AT_ONCE = 20_000
"""Keys whose source rows, payloads and all, are held at once while they are folded anew."""


def folded(transform: Fold, plan: Incremental, lake: Lake) -> Computed:
    """New rows fold onto the stored row of their key.

    What a removed row gave to its key cannot be taken back out of a fold, so such keys are folded
    anew from all that the source still has.
    """
    target, key = transform.target, list(derivation(transform.target).key)
    added, gone = _versions(transform, plan, lake)
    asked = [gone.select(key)]
    if plan.days is not None:
        asked.append(keys_of_days(transform, plan.heads, plan.target, plan.days, lake))
    anew = union(asked).unique()
    fresh = fold(transform, without(added, anew))
    won = overtaking(transform, fresh, plan.target, lake)
    # Versions that are not later than what is stored, or equal it, are few as a rule.
    rest = union([without(fresh.select(key), won.appended.select(key)), anew])
    number = won.appended.height + rest.height
    if rest.is_empty():
        return changed(won, number, 0)
    stored = lake.stored(target.name, plan.target.snapshot_id, equal_to(rest))
    standing = union([within(fresh, rest), without(stored.select(fresh.columns), anew)])
    rows = fold(transform, standing)
    if not anew.is_empty():
        rows = union([rows, _folded_anew(transform, anew, plan.heads, lake)])
    if plan.days is None:
        others = difference(stored, rows, target)
    else:
        touching = union([added.select(key), gone.select(key)]).unique()
        others = difference_of_days(transform, stored, rows, touching, plan.days)
    return changed(
        Difference(
            union([won.appended, others.appended]),
            union([won.deleted, others.deleted]),
            others.kept,
        ),
        number,
        0,
    )


def _versions(transform: Fold, plan: Incremental, lake: Lake) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Candidates of the source rows that came, folded among themselves, and of those that went."""
    table, columns = transform.source.table, transform.source.columns
    start, head = plan.started.sources.get(table), plan.heads[table]
    nothing = no_rows(transform)
    if head is None or _same(start, head.cut):
        return nothing, nothing
    portions = lake.appended(table, start, head.cut, columns)
    if portions is not None:
        return fold_chunks(transform, portions), nothing
    change = lake.changes(table, start, head.cut, columns)
    return candidates(transform, change.added), candidates(transform, change.removed)


def _folded_anew(transform: Fold, keys: pl.DataFrame, heads: Heads, lake: Lake) -> pl.DataFrame:
    source = transform.source
    head = heads[source.table]
    if head is None:
        return no_rows(transform)
    if not transform.by:
        chunks = lake.chunks(source.table, head.cut, source.columns)
        parts = [within(candidates(transform, chunk), keys) for chunk in chunks]
        return fold(transform, union([no_rows(transform), *parts]))
    folded = [no_rows(transform)]
    # In their order, so that the next ones are in other files.
    for some in keys.select(list(transform.by)).sort(pl.all()).iter_slices(KEYS_AT_ONCE):
        wanted = Keys(some, transform.by)
        rows = lake.scan(source.table, head.cut, source.columns, wanted, located=False)
        folded.append(fold(transform, within(candidates(transform, rows), some)))
    return union(folded)


def grouped(transform: Group, plan: Incremental, lake: Lake) -> Computed:
    """Groups that changed rows touch are computed from all of their rows."""
    changes = _changes(transform, plan, lake)
    groups = routing.touched_by(transform, changes)
    if plan.days is not None:
        return _grouped_of_days(transform, plan, plan.days, changes, groups, lake)
    if groups is None:
        nothing = lake.stored(transform.target.name, None, None)
        return changed(difference(nothing, no_rows(transform), transform.target), 0, 0)
    if is_whole(transform):
        done = _succeeded(transform, plan, groups, changes, lake)
        if done is not None:
            return done
    if isinstance(transform, Closure):
        groups, changes = routing.closed(transform, groups, plan.heads, lake), {}
    parts = [
        _anew(transform, plan, some, changes, lake)
        for some in slices(transform, groups, plan.heads, lake)
    ]
    found = Difference(
        union([part.appended for part, _ in parts]),
        union([part.deleted for part, _ in parts]),
        sum(part.kept for part, _ in parts),
    )
    return changed(found, groups.height, max(largest for _, largest in parts))


def _anew(
    transform: Group,
    plan: Incremental,
    groups: pl.DataFrame,
    changes: Mapping[str, Changes],
    lake: Lake,
) -> tuple[Difference, int]:
    """How some groups change that are computed from all of their rows; the largest one's rows."""
    frames = routing.rows_of(transform, groups, plan.heads, lake, changes)
    stored = lake.stored(transform.target.name, plan.target.snapshot_id, equal_to(groups))
    rows = within(built(transform, frames, plan.provenance), groups)
    return difference(stored, rows, transform.target), largest_of(transform, frames)


def _grouped_of_days(
    transform: Group,
    plan: Incremental,
    days: Days,
    changes: Mapping[str, Changes],
    touching: pl.DataFrame | None,
    lake: Lake,
) -> Computed:
    """Groups that changed rows touch, and those that some days are about."""
    target, heads = transform.target, plan.heads
    whole = {
        route.input.table: rows
        for route in transform.routes
        if route.whole and (rows := rows_of_days(route, heads, days, lake)) is not None
    }
    given = {
        route.input.table: Widened(transform, route, changes.get(route.input.table), rows)
        for route in transform.routes
        if (rows := whole.get(route.input.table)) is not None
    }
    of_days = groups_of_days(transform, heads, plan.target, days, lake, whole)
    groups = of_days if touching is None else union([of_days, touching]).unique()
    frames = routing.rows_of(transform, groups, heads, lake, {**changes, **given})
    stored = lake.stored(target.name, plan.target.snapshot_id, equal_to(groups))
    rows = within(built(transform, frames, plan.provenance), groups)
    touching = groups.clear() if touching is None else touching
    found = difference_of_days(transform, stored, rows, touching, days)
    return changed(found, groups.height, largest_of(transform, frames))


def _succeeded(
    transform: Group,
    plan: Incremental,
    groups: pl.DataFrame,
    changes: Mapping[str, Changes],
    lake: Lake,
) -> Computed | None:
    """Groups of single rows, changed from what the old row gave into what the new one gives.

    An incremental build goes on from rows that the same code, as of the same date, has made of the
    old row, and that nobody else has changed; else it would be a full one.
    """
    (source,) = transform.inputs
    change = changes[source.table]
    before = {source.table: routing.counted(source, change.removed)}
    after = routing.rows_of(transform, groups, plan.heads, lake, changes)
    found = succeeding(
        transform.target,
        within(built(transform, before, plan.provenance), groups),
        within(built(transform, after, plan.provenance), groups),
        plan.target,
        lake,
    )
    if found is None:
        return None
    return changed(found, groups.height, largest_of(transform, after))


def _changes(transform: Group, plan: Incremental, lake: Lake) -> dict[str, Changes]:
    """What came and went in each input since the last build."""
    return {
        source.table: lake.changes(
            source.table, plan.started.sources.get(source.table), head.cut, source.columns
        )
        for source in transform.inputs
        if (head := plan.heads[source.table]) is not None
        and not _same(plan.started.sources.get(source.table), head.cut)
    }


def _same(cut: SourceCut | None, other: SourceCut) -> bool:
    return cut is not None and cut.snapshot_id == other.snapshot_id
