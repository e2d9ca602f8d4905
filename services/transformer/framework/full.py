"""A target computed from everything that its inputs have."""

from __future__ import annotations

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
from services.transformer.framework.folding import fold_chunks
from services.transformer.framework.frames import FILE, POSITION, Difference, difference, union
from services.transformer.framework.lake import Heads, Lake
from services.transformer.framework.plan import Full, Incremental
from services.transformer.framework.transform import Fold, Group, Transform, derivation


def everything(transform: Transform, plan: Incremental | Full, lake: Lake) -> Computed:
    """All rows, and how what is stored differs from them.

    A full build replaces a table most of whose rows differ; a tick writes the difference.
    """
    target = transform.target
    if isinstance(transform, Fold):
        rows, largest = _fold_of_all(transform, plan.heads, lake), 0
    else:
        rows, largest = _build_of_all(transform, plan, lake)
    groups = derivation(target).key if isinstance(transform, Fold) else transform.group
    number = rows.select(groups).n_unique()
    stored = lake.stored(target.name, plan.target.snapshot_id, None)
    found = difference(stored, rows, target)
    if isinstance(plan, Full) and 0 < stored.height > 2 * found.kept:
        all_rows = Difference(rows, stored.clear().select(FILE, POSITION), 0)
        return Computed(all_rows, number, largest, stored.height, replaces=True)
    return changed(found, number, largest)


def _fold_of_all(transform: Fold, heads: Heads, lake: Lake) -> pl.DataFrame:
    source = transform.source
    head = heads[source.table]
    chunks = () if head is None else lake.chunks(source.table, head.cut, source.columns)
    return fold_chunks(transform, chunks)


def _build_of_all(
    transform: Group, plan: Incremental | Full, lake: Lake
) -> tuple[pl.DataFrame, int]:
    """Every group. A table whose groups are single rows of one input is built in portions."""
    if is_whole(transform):
        (source,) = transform.inputs
        head = plan.heads[source.table]
        chunks = () if head is None else lake.chunks(source.table, head.cut, source.columns)
        portions = [
            built(transform, {source.table: routing.counted(source, chunk)}, plan.provenance)
            for chunk in chunks
        ]
        return union([no_rows(transform), *portions]), int(any(map(len, portions)))
    frames = {}
    for source in transform.inputs:
        parts = [lake.empty(source.table, source.columns)]
        if (head := plan.heads[source.table]) is not None:
            parts += lake.chunks(source.table, head.cut, source.columns)
        frames[source.table] = routing.counted(source, union(parts))
    return built(transform, frames, plan.provenance), largest_of(transform, frames)
