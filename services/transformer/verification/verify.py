"""One table: some of its groups are computed again and compared.

The inputs are read at the cuts that the table recorded, so whatever was committed since does not
matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from services.transformer.framework import routing
from services.transformer.framework.code_hash import transform_id
from services.transformer.framework.folding import candidates, fold
from services.transformer.framework.frames import (
    computed,
    conform,
    schema,
    union,
    within,
    without_empty_chunks,
)
from services.transformer.framework.lake import Heads, Lake, SourceHead, equal_to
from services.transformer.framework.sampling import chosen
from services.transformer.framework.transform import Closure, Fold, Transform
from services.transformer.verification.differing import Differing, compared
from shared.lake.provenance import Provenance
from shared.lake.reading.scan import Keys

EXAMPLES = 5
"""Rows that differ which are shown of one table."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found of one table.

    Attributes:
        skipped: why nothing was compared; empty when something was.
        groups: how many groups, or keys of a fold, were computed again.
        rows: how many rows that gave.
        differing: how many rows differ.
        examples: some of them.
    """

    table: str
    snapshot_id: int | None = None
    skipped: str = ""
    groups: int = 0
    rows: int = 0
    differing: int = 0
    examples: tuple[Differing, ...] = ()


def verify(transform: Transform, lake: Lake, number: int, seed: int) -> Verified:
    """Compute some groups of a table again and compare them with its stored rows.

    Args:
        transform: how the table is built.
        lake: the tables; the target and the inputs are looked at as they stand there.
        number: groups chosen from the stored rows, and as many from each input.
        seed: chooses others.
    """
    name = transform.target.name
    target = lake.target(name)
    known = target.provenance
    if target.snapshot_id is None or known is None:
        return Verified(name, target.snapshot_id, "it does not say what it was built from")
    if known.transform != transform_id(transform):
        return Verified(name, target.snapshot_id, f"it was built by other code: {known.transform}")
    gone = [table for table, cut in known.sources.items() if not lake.readable(table, cut)]
    if gone:
        return Verified(
            name, target.snapshot_id, f"what it read of {', '.join(gone)} is not retained any more"
        )
    heads = {
        source.table: SourceHead(known.sources[source.table], {})
        if source.table in known.sources
        else None
        for source in transform.inputs
    }
    groups = chosen(transform, heads, lake, target.snapshot_id, number, seed)
    rows = again(transform, groups, heads, known, lake)
    stored = lake.stored(name, target.snapshot_id, equal_to(groups))
    differing = compared(transform, stored.select(computed(transform.target)), rows)
    return Verified(
        name,
        target.snapshot_id,
        groups=groups.height,
        rows=rows.height,
        differing=len(differing),
        examples=tuple(differing[:EXAMPLES]),
    )


def again(
    transform: Transform, groups: pl.DataFrame, heads: Heads, built: Provenance, lake: Lake
) -> pl.DataFrame:
    """The rows of these groups, or keys of a fold, from all of their input rows."""
    if isinstance(transform, Fold):
        rows = _folded(transform, groups, heads, lake)
    else:
        wanted = groups
        if isinstance(transform, Closure):
            wanted = routing.closed(transform, groups, heads, lake)
        frames = routing.rows_of(transform, wanted, heads, lake)
        ordered = {
            each.table: without_empty_chunks(frames[each.table].select(each.columns))
            for each in transform.inputs
        }
        rows = conform(transform.build(ordered, built.as_of), transform.target)
    return within(rows, groups)


def _folded(transform: Fold, keys: pl.DataFrame, heads: Heads, lake: Lake) -> pl.DataFrame:
    source = transform.source
    head = heads[source.table]
    parts = [schema(transform.target, computed(transform.target)).to_frame()]
    if head is not None and transform.by:
        wanted = Keys(keys.select(list(transform.by)), transform.by)
        rows = lake.scan(source.table, head.cut, source.columns, wanted, located=False)
        parts.append(candidates(transform, rows))
    elif head is not None:
        chunks = lake.chunks(source.table, head.cut, source.columns)
        parts += (within(candidates(transform, rows), keys) for rows in chunks)
    return fold(transform, union(parts))
