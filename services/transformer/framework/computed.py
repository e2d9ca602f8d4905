"""What was computed of a target: its rows by its function, and how it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from services.transformer.framework import routing
from services.transformer.framework.frames import (
    Difference,
    computed,
    conform,
    schema,
    without_empty_chunks,
)
from services.transformer.framework.gathered import Further
from services.transformer.framework.transform import Frames, Group, Transform
from shared.lake.provenance import Provenance


@dataclass(frozen=True, slots=True)
class Computed:
    """How the target changes, and what was computed for it.

    Attributes:
        change: rows that come, and places of those that go.
        further: rows that come besides, too many to be held.
        groups: groups or keys that were computed.
        largest: input rows of the largest group; 0 for a fold.
        removed: stored rows that go.
        replaces: what comes is the whole table; every stored file goes.
    """

    change: Difference
    groups: int
    largest: int
    removed: int
    replaces: bool = False
    further: Further | None = None


def changed(change: Difference, groups: int, largest: int) -> Computed:
    """The change of a target that keeps its files."""
    return Computed(change, groups, largest, change.deleted.height)


def built(transform: Group, frames: Frames, provenance: Provenance) -> pl.DataFrame:
    """What the target's function gives for these rows of its inputs.

    Raises:
        CheckFailed: it breaks what it promises.
    """
    ordered: Mapping[str, pl.DataFrame] = {
        source.table: without_empty_chunks(frames[source.table].select(source.columns))
        for source in transform.inputs
    }
    return conform(transform.build(ordered, provenance.as_of), transform.target)


def largest_of(transform: Group, frames: Frames) -> int:
    """Input rows of the largest group."""
    counts = routing.sizes(transform, frames)["rows"]
    return 0 if counts.is_empty() else int(counts.max())  # type: ignore[arg-type]


def no_rows(transform: Transform) -> pl.DataFrame:
    """No rows of the target, without stamped columns."""
    return schema(transform.target, computed(transform.target)).to_frame()


def is_whole(transform: Group) -> bool:
    """Whether each group is a single row of the only input."""
    return len(transform.routes) == 1 and transform.routes[0].whole
