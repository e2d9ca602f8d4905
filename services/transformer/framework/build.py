"""The rows by which a target changes, computed from a plan.

One function computes a table, and both ways lead through it: an incremental build gives it what
changed rows lead to, a full build everything. Either ends with a comparison against what is stored,
so only rows that differ are written, and a target that does not change stops what would follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from services.transformer.framework.frames import stamp
from services.transformer.framework.full import everything
from services.transformer.framework.gathered import Further
from services.transformer.framework.incremental import folded, grouped
from services.transformer.framework.lake import Lake, TargetHead
from services.transformer.framework.plan import Full, Incremental
from services.transformer.framework.room import Room
from services.transformer.framework.transform import Fold, Transform
from shared.lake.provenance import Provenance


@dataclass(frozen=True, slots=True)
class Result:
    """What is to be committed.

    Attributes:
        appended: rows to write, all columns of the target.
        further: rows to write besides, of a build in full that are too many to be held; they are
            there as long as what the build's room keeps.
        deleted: ``_file`` and ``_pos`` of stored rows that go.
        replaces: what is written is the whole table; every stored file goes.
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
    further: Further | None = None

    @property
    def added(self) -> int:
        """How many rows are to be written."""
        return self.appended.height + (0 if self.further is None else self.further.height)

    @property
    def unchanged(self) -> bool:
        """Whether no row differs."""
        return not self.added and self.deleted.is_empty() and not self.replaces

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


def compute(
    transform: Transform,
    plan: Incremental | Full,
    lake: Lake,
    now: datetime,
    room: Room | None = None,
) -> Result:
    """Carry out a plan, short of the commit.

    Args:
        transform: how the target is built.
        plan: what is to be done.
        lake: the tables; read at the snapshots that the plan names.
        now: what stamped columns of new rows say.
        room: what a build in full may hold; everything unless given.

    Raises:
        CheckFailed: the declared function breaks what it promises.
    """
    if isinstance(plan, Full) or plan.ticked:
        done = everything(transform, plan, lake, room or Room())
    elif isinstance(transform, Fold):
        done = folded(transform, plan, lake)
    else:
        done = grouped(transform, plan, lake)
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
        further=None if done.further is None else done.further.stamped(now),
    )
