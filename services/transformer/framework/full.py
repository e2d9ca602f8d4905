"""A target computed from everything that its inputs have.

What is read is split into buckets of what belongs together, unless it is little; each bucket is
computed and compared with the stored rows of its groups. So a build holds a bucket, however large
the tables are. What cannot be split is held whole: a closure, and a group with windows, because
which groups need a row is not told by the row alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from services.transformer.framework import routing
from services.transformer.framework.buckets import Buckets, Source, numbers, split
from services.transformer.framework.computed import (
    Computed,
    built,
    is_whole,
    largest_of,
    no_rows,
)
from services.transformer.framework.folding import candidates, fold
from services.transformer.framework.frames import (
    FILE,
    POSITION,
    Difference,
    computed,
    difference,
    require_unique,
    schema,
    union,
    without,
)
from services.transformer.framework.gathered import Gathered
from services.transformer.framework.lake import Lake
from services.transformer.framework.plan import Full, Incremental
from services.transformer.framework.room import Room
from services.transformer.framework.transform import (
    Closure,
    Fold,
    Group,
    Input,
    Transform,
    derivation,
)

SLICE_ROWS = 100_000
"""Source rows that candidates are made of at a time: functions make lists of their texts."""


def everything(transform: Transform, plan: Incremental | Full, lake: Lake, room: Room) -> Computed:
    """All rows, and how what is stored differs from them.

    A full build replaces a table most of whose rows differ; a tick writes the difference.
    """
    first = plan.target.snapshot_id is None
    if first and isinstance(transform, Group) and is_whole(transform):
        return _straight(transform, plan, lake, room)
    target = transform.target
    sources = [*_sources(transform, plan, lake), _stored(transform, plan, lake)]
    buckets = split(sources, room, divisible=_divisible(transform))
    gathered = Gathered(target, room)
    gone: list[pl.DataFrame] = []
    groups = largest = kept = stored = 0
    several = isinstance(transform, Group)  # rows a group
    for number in range(buckets.count):
        rows, size = _rows(transform, plan, buckets, number)
        before = buckets.taken(_STORED, number)
        found = difference(before, rows, target)
        gathered.differ(found.appended)
        if isinstance(plan, Full) and found.kept:
            gathered.same(without(rows, found.appended.select(derivation(target).key)))
        gone.append(found.deleted)
        groups += rows.select(_group(transform)).n_unique() if several else rows.height
        largest = max(largest, size)
        kept, stored = kept + found.kept, stored + before.height
    replaces = isinstance(plan, Full) and 0 < stored > 2 * kept
    deleted = union(gone)
    if replaces:
        deleted = deleted.clear()
    held, further = gathered.result(everything=replaces)
    return Computed(
        Difference(held, deleted, kept),
        groups,
        largest,
        removed=stored if replaces else deleted.height,
        replaces=replaces,
        further=further,
    )


def _straight(transform: Group, plan: Incremental | Full, lake: Lake, room: Room) -> Computed:
    """Single rows of the only input, made into rows of a table that is not there yet: only that no
    key repeats is found out in buckets."""
    target = transform.target
    gathered = Gathered(target, room)
    key = list(derivation(target).key)

    def keys() -> Iterator[tuple[int, pl.DataFrame]]:
        for read, rows in _made(transform, plan, lake):
            gathered.differ(rows)
            yield read, rows.select(key)

    (source,) = transform.inputs
    total = _total(source, plan, lake)
    none = no_rows(transform).select(key)
    buckets = split([Source(_KEYS, none, keys(), total, lambda rows: [rows])], room)
    groups = 0
    for number in range(buckets.count):
        found = buckets.taken(_KEYS, number)
        require_unique(found, target)
        groups += found.height
    nothing = lake.stored(target.name, None, None, key).select(FILE, POSITION)
    held, further = gathered.result(everything=False)
    return Computed(Difference(held, nothing, 0), groups, min(1, groups), 0, further=further)


_KEYS = "keys"
_STORED = "stored rows"
_CANDIDATES = "candidates"


def _group(transform: Transform) -> list[str]:
    """The columns of the target that name what is computed together."""
    if isinstance(transform, Fold):
        return list(derivation(transform.target).key)
    return list(transform.group)


def _divisible(transform: Transform) -> bool:
    """Whether a row tells which groups it belongs to."""
    return isinstance(transform, Fold) or not (
        isinstance(transform, Closure) or any(route.touches for route in transform.routes)
    )


def _rows(
    transform: Transform, plan: Incremental | Full, buckets: Buckets, number: int
) -> tuple[pl.DataFrame, int]:
    """The rows of the target that belong to a bucket, and the input rows of the largest group."""
    if isinstance(transform, Fold):
        return fold(transform, buckets.taken(_CANDIDATES, number)), 0
    if is_whole(transform):
        rows = buckets.taken(_CANDIDATES, number)
        return rows, min(1, rows.height)
    frames = {each.table: buckets.taken(each.table, number) for each in transform.inputs}
    rows = built(transform, frames, plan.provenance)
    if buckets.count > 1:
        own = numbers(_named(transform, rows), buckets.count) == number
        rows = rows.filter(own)
    return rows, largest_of(transform, frames)


def _sources(transform: Transform, plan: Incremental | Full, lake: Lake) -> Iterator[Source]:
    """What is split: rows made of source rows alone, where there are such, or input rows."""
    if isinstance(transform, Fold) or is_whole(transform):
        (source,) = transform.inputs
        yield Source(
            _CANDIDATES,
            no_rows(transform),
            _made(transform, plan, lake),
            _total(source, plan, lake),
            lambda rows: [_named(transform, rows)],
        )
        return
    for source in transform.inputs:
        yield _input(transform, source, plan, lake)


def _made(
    transform: Transform, plan: Incremental | Full, lake: Lake
) -> Iterator[tuple[int, pl.DataFrame]]:
    (source,) = transform.inputs
    for chunk in _chunks(source, plan, lake):
        for rows in chunk.iter_slices(SLICE_ROWS):
            if isinstance(transform, Fold):
                yield rows.height, fold(transform, candidates(transform, rows))
            else:
                frames = {source.table: routing.counted(source, rows)}
                yield rows.height, built(transform, frames, plan.provenance)


def _input(transform: Group, source: Input, plan: Incremental | Full, lake: Lake) -> Source:
    def leads(rows: pl.DataFrame) -> list[pl.DataFrame]:
        types = schema(transform.target, transform.group)
        return [
            rows.select(**{name: route.by[name] for name in transform.group}).cast(types)
            for route in transform.routes
            if route.input.table == source.table
        ]

    return Source(
        source.table,
        lake.empty(source.table, source.columns),
        ((chunk.height, routing.counted(source, chunk)) for chunk in _chunks(source, plan, lake)),
        _total(source, plan, lake),
        leads,
    )


def _stored(transform: Transform, plan: Incremental | Full, lake: Lake) -> Source:
    name, snapshot_id = transform.target.name, plan.target.snapshot_id
    columns = [*computed(transform.target)]
    return Source(
        _STORED,
        lake.stored(name, None, None, columns),
        (
            (chunk.height, chunk)
            for chunk in ([] if snapshot_id is None else lake.located(name, snapshot_id, columns))
        ),
        0 if snapshot_id is None else lake.height(name, snapshot_id),
        lambda rows: [_named(transform, rows)],
    )


def _named(transform: Transform, rows: pl.DataFrame) -> pl.DataFrame:
    """What names the groups of rows of the target."""
    return rows.select(_group(transform))


def _chunks(source: Input, plan: Incremental | Full, lake: Lake) -> Iterator[pl.DataFrame]:
    head = plan.heads[source.table]
    if head is not None:
        yield from lake.chunks(source.table, head.cut, source.columns)


def _total(source: Input, plan: Incremental | Full, lake: Lake) -> int:
    head = plan.heads[source.table]
    return 0 if head is None else lake.height(source.table, head.cut.snapshot_id)
