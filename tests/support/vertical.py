"""The tables from raw rows to the mart, computed at once: the functions alone, no lake."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from services.transformer.framework.folding import candidates, fold
from services.transformer.framework.frames import conform
from services.transformer.framework.registry import TRANSFORMS
from services.transformer.framework.transform import Fold
from shared.tables.lineage import in_order
from shared.tables.registry import TABLES


def folded(name: str, raw: pl.DataFrame) -> pl.DataFrame:
    """A fold table from rows of its raw table."""
    transform = TRANSFORMS[name]
    assert isinstance(transform, Fold)
    return fold(transform, candidates(transform, raw))


def built(name: str, frames: Mapping[str, pl.DataFrame], as_of: date | None = None) -> pl.DataFrame:
    """A group table from all rows of its inputs, as the framework would give them."""
    transform = TRANSFORMS[name]
    assert not isinstance(transform, Fold)
    given = {}
    for each in transform.inputs:
        rows = frames[each.table].select(each.columns)
        given[each.table] = rows if each.where is None else rows.filter(each.where)
    return conform(transform.build(given, as_of), transform.target)


def vertical(raw: Mapping[str, pl.DataFrame], as_of: date | None = None) -> dict[str, pl.DataFrame]:
    """All tables that the given raw ones lead to, those included."""
    frames = dict(raw)
    for name in in_order(TABLES):
        transform = TRANSFORMS.get(name)
        if transform is None or any(each.table not in frames for each in transform.inputs):
            continue
        frames[name] = (
            folded(name, frames[transform.source.table])
            if isinstance(transform, Fold)
            else built(name, frames, as_of)
        )
    return frames
