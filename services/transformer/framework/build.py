"""The rows by which a target changes, computed from a plan.

One function computes a table, and both ways lead through it: an incremental build gives it what
changed rows lead to, a full build everything. Either ends with a comparison against what is stored,
so only rows that differ are written, and a target that does not change stops what would follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from services.transformer.framework import routing
from services.transformer.framework.folding import candidates, fold, fold_chunks
from services.transformer.framework.frames import (
    FILE,
    POSITION,
    Difference,
    computed,
    conform,
    difference,
    schema,
    stamp,
    union,
    within,
    without,
)
from services.transformer.framework.lake import Changes, Heads, Lake, TargetHead, equal_to
from services.transformer.framework.narrow import overtaking, succeeding
from services.transformer.framework.plan import Full, Incremental
from services.transformer.framework.transform import (
    Closure,
    Fold,
    Frames,
    Group,
    Transform,
    derivation,
)
from shared.lake.provenance import Provenance, SourceCut
from shared.lake.reading.keys import Keys


@dataclass(frozen=True, slots=True)
class Result:
    """What is to be committed.

    Attributes:
        appended: rows to write, all columns of the target.
        deleted: ``_file`` and ``_pos`` of stored rows that go.
        replaces: the appended rows are the whole table; every stored file goes.
        provenance: what the target has been built from then.
        target, started: where it was computed on; the commit asserts that this still holds.
        removed: how many stored rows go.
        groups: groups or keys that were computed.
        largest: input rows of the largest group computed; 0 for a fold.
    """

    appended: pl.DataFrame
    deleted: pl.DataFrame
    replaces: bool
    provenance: Provenance
    target: TargetHead
    started: Provenance | None
    removed: int
    groups: int
    largest: int

    @property
    def unchanged(self) -> bool:
        """Whether no row differs."""
        return self.appended.is_empty() and self.deleted.is_empty() and not self.replaces

    @property
    def idle(self) -> bool:
        """Whether nobody could tell a commit of it from none: the inputs were only rewritten."""
        return (
            self.unchanged
            and self.started is not None
            and self.started.complete == self.provenance.complete
            and self.started.as_of == self.provenance.as_of
            and self.started.transform == self.provenance.transform
            and self.started.sources.keys() == self.provenance.sources.keys()
        )


@dataclass(frozen=True, slots=True)
class _Computed:
    """How the target changes, and what was computed for it."""

    change: Difference
    groups: int
    largest: int
    removed: int
    replaces: bool = False


def compute(transform: Transform, plan: Incremental | Full, lake: Lake, now: datetime) -> Result:
    """Carry out a plan, short of the commit.

    Args:
        transform: how the target is built.
        plan: what is to be done.
        lake: the tables; read at the snapshots that the plan names.
        now: what stamped columns of new rows say.

    Raises:
        CheckFailed: the declared function breaks what it promises.
    """
    if isinstance(plan, Full) or plan.ticked:
        done = _everything(transform, plan, lake)
    elif isinstance(transform, Fold):
        done = _folded(transform, plan, lake)
    else:
        done = _grouped(transform, plan, lake)
    return Result(
        appended=stamp(done.change.appended, transform.target, now),
        deleted=done.change.deleted,
        replaces=done.replaces,
        provenance=plan.provenance,
        target=plan.target,
        started=plan.started,
        removed=done.removed,
        groups=done.groups,
        largest=done.largest,
    )


def _everything(transform: Transform, plan: Incremental | Full, lake: Lake) -> _Computed:
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
        return _Computed(all_rows, number, largest, stored.height, replaces=True)
    return _computed(found, number, largest)


def _computed(change: Difference, groups: int, largest: int) -> _Computed:
    return _Computed(change, groups, largest, change.deleted.height)


def _fold_of_all(transform: Fold, heads: Heads, lake: Lake) -> pl.DataFrame:
    source = transform.source
    head = heads[source.table]
    chunks = () if head is None else lake.chunks(source.table, head.cut, source.columns)
    return fold_chunks(transform, chunks)


def _build_of_all(
    transform: Group, plan: Incremental | Full, lake: Lake
) -> tuple[pl.DataFrame, int]:
    """Every group. A table whose groups are single rows of one input is built in portions."""
    if _is_whole(transform):
        (source,) = transform.inputs
        head = plan.heads[source.table]
        chunks = () if head is None else lake.chunks(source.table, head.cut, source.columns)
        portions = [
            _built(transform, {source.table: routing.counted(source, chunk)}, plan.provenance)
            for chunk in chunks
        ]
        return union([_no_rows(transform), *portions]), int(any(map(len, portions)))
    frames = {}
    for source in transform.inputs:
        parts = [lake.empty(source.table, source.columns)]
        if (head := plan.heads[source.table]) is not None:
            parts += lake.chunks(source.table, head.cut, source.columns)
        frames[source.table] = routing.counted(source, union(parts))
    return _built(transform, frames, plan.provenance), _largest(transform, frames)


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


def _folded(transform: Fold, plan: Incremental, lake: Lake) -> _Computed:
    """New rows fold onto the stored row of their key.

    What a removed row gave to its key cannot be taken back out of a fold, so such keys are folded
    anew from all that the source still has.
    """
    target, key = transform.target, list(derivation(transform.target).key)
    added, gone = _versions(transform, plan, lake)
    anew = gone.select(key).unique()
    fresh = fold(transform, without(added, anew))
    won = overtaking(transform, fresh, plan.target, lake)
    # Versions that are not later than what is stored, or equal it, are few as a rule.
    rest = union([without(fresh.select(key), won.appended.select(key)), anew])
    number = won.appended.height + rest.height
    if rest.is_empty():
        return _computed(won, number, 0)
    stored = lake.stored(target.name, plan.target.snapshot_id, equal_to(rest))
    standing = union([within(fresh, rest), without(stored.select(fresh.columns), anew)])
    rows = fold(transform, standing)
    if not anew.is_empty():
        rows = union([rows, _folded_anew(transform, anew, plan.heads, lake)])
    others = difference(stored, rows, target)
    return _computed(
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
    nothing = _no_rows(transform)
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
        return _no_rows(transform)
    if transform.by:
        wanted = Keys(keys.select(list(transform.by)), transform.by)
        chunks = iter([lake.scan(source.table, head.cut, source.columns, wanted, located=False)])
    else:
        chunks = lake.chunks(source.table, head.cut, source.columns)
    parts = [within(candidates(transform, chunk), keys) for chunk in chunks]
    return fold(transform, union([_no_rows(transform), *parts]))


def _grouped(transform: Group, plan: Incremental, lake: Lake) -> _Computed:
    """Groups that changed rows touch are computed from all of their rows."""
    changes = _changes(transform, plan, lake)
    groups = routing.touched_by(transform, changes)
    if groups is None:
        nothing = lake.stored(transform.target.name, None, None)
        return _computed(difference(nothing, _no_rows(transform), transform.target), 0, 0)
    if _is_whole(transform):
        done = _succeeded(transform, plan, groups, changes, lake)
        if done is not None:
            return done
    if isinstance(transform, Closure):
        groups, changes = routing.closed(transform, groups, plan.heads, lake), {}
    frames = routing.rows_of(transform, groups, plan.heads, lake, changes)
    stored = lake.stored(transform.target.name, plan.target.snapshot_id, equal_to(groups))
    rows = within(_built(transform, frames, plan.provenance), groups)
    found = difference(stored, rows, transform.target)
    return _computed(found, groups.height, _largest(transform, frames))


def _is_whole(transform: Group) -> bool:
    """Whether each group is a single row of the only input."""
    return len(transform.routes) == 1 and transform.routes[0].whole


def _succeeded(
    transform: Group,
    plan: Incremental,
    groups: pl.DataFrame,
    changes: Mapping[str, Changes],
    lake: Lake,
) -> _Computed | None:
    """Groups of single rows, changed from what the old row gave into what the new one gives.

    An incremental build goes on from rows that the same code, as of the same date, has made of the
    old row, and that nobody else has changed; else it would be a full one.
    """
    (source,) = transform.inputs
    change = changes[source.table]
    before, after = (
        {source.table: routing.counted(source, rows)} for rows in (change.removed, change.added)
    )
    found = succeeding(
        transform.target,
        within(_built(transform, before, plan.provenance), groups),
        within(_built(transform, after, plan.provenance), groups),
        plan.target,
        lake,
    )
    if found is None:
        return None
    return _computed(found, groups.height, _largest(transform, after))


def _built(transform: Group, frames: Frames, provenance: Provenance) -> pl.DataFrame:
    ordered: Mapping[str, pl.DataFrame] = {
        source.table: frames[source.table].select(source.columns) for source in transform.inputs
    }
    return conform(transform.build(ordered, provenance.as_of), transform.target)


def _largest(transform: Group, frames: Frames) -> int:
    counts = routing.sizes(transform, frames)["rows"]
    return 0 if counts.is_empty() else int(counts.max())  # type: ignore[arg-type]


def _no_rows(transform: Transform) -> pl.DataFrame:
    return schema(transform.target, computed(transform.target)).to_frame()
