"""Which snapshots a table's retention has ended for. Pure; beside it, every commit thins.

Age counts from when a version was superseded: of a table that was quiet for a week, the head is a
week old, and once something is committed on top it is still what everybody reads.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from operator import attrgetter

from pyiceberg.table.snapshots import Operation

from shared.lake.maintenance.thresholds import DAY_MS, MaintenancePolicy
from shared.lake.sweeping import SAFE_DELAY_S
from shared.lake.table_state import KEY_BRANCH, SnapshotEntry, TableState
from shared.lake.thinning import (
    ThinningPlan,
    ThinningPolicy,
    below_foreign,
    hour_tags,
    protected,
    successors,
)

_sequence = attrgetter("sequence_number")


@dataclass(frozen=True, slots=True)
class Retention:
    """How long snapshots stay: a plan for a commit's history (:class:`HistoryPlan`).

    Attributes:
        days: since it was superseded, up to which all stay that thinning leaves.
        last: the newest versions of ``main`` that stay at any age; 1 at least.
        pinned: ids that readers have recorded, held as long as thinning holds them.
        announced: last announced sequence number, ``None`` when nothing waits for that.
        as_of_ms: plan as of then, whatever the time of the commit.
    """

    days: float
    last: int
    pinned: Collection[int] = ()
    announced: int | None = None
    as_of_ms: int | None = None

    @classmethod
    def of(
        cls,
        policy: MaintenancePolicy,
        now_ms: int,
        *,
        pinned: Collection[int] = (),
        announced: int | None = None,
    ) -> Retention:
        """What a table's policy says as of ``now_ms``: for the expiry and for who foretells it."""
        return cls(policy.retention_days, policy.retain_last, pinned, announced, as_of_ms=now_ms)

    @property
    def age_ms(self) -> float:
        """What was superseded later stays; at least so long as somebody may still plan a scan."""
        return max(self.days * DAY_MS, SAFE_DELAY_S * 1000)

    def plan(self, state: TableState, now_ms: int) -> ThinningPlan:
        """What of ``state`` goes as of ``now_ms``.

        Tags of ours go with their snapshots. What a branch or a tag of others names stays, and so
        does what a kept snapshot of theirs stands on.
        """
        if state.current_snapshot() is None:
            return ThinningPlan()
        now_ms = now_ms if self.as_of_ms is None else self.as_of_ms
        kept = protected(
            state, now_ms, ThinningPolicy(), pinned=self.pinned, announced=self.announced
        )
        kept |= {each.snapshot_id for each in newest(state, max(1, self.last))}
        above = successors(state, state.snapshots)
        kept |= {
            key
            for key, top in above.items()
            if top is None or now_ms - top.timestamp_ms <= self.age_ms
        }
        kept |= below_foreign(state, kept)
        remove = tuple(s.snapshot_id for s in state.snapshots if s.snapshot_id not in kept)
        gone = set(remove)
        untag = sorted(name for name, each in hour_tags(state).items() if each in gone)
        return ThinningPlan(remove, untag=tuple(untag))


def newest(state: TableState, count: int) -> list[SnapshotEntry]:
    """The newest versions of ``main``, from its head down the history.

    Where a parent is thinned away, the version below is the one committed last before. A snapshot
    that replaces files and no rows is no version: counted, the compactions and expiries of a quiet
    table would push out what it was before.
    """
    found: list[SnapshotEntry] = []
    versions = sorted(
        (each for each in state.snapshots if KEY_BRANCH not in each.summary), key=_sequence
    )
    at = state.current_snapshot()
    while at is not None and len(found) < count:
        if at.summary.get("operation") != Operation.REPLACE.value:
            found.append(at)
        parent = at.parent_snapshot_id
        below = None if parent is None else state.snapshot_by_id(parent)
        while below is None and parent is not None and versions:
            last = versions.pop()
            below = last if last.sequence_number < at.sequence_number else None
        at = below
    return found
