"""Give a head of another engine a snapshot on top that says where the table stands.

Another engine's commit carries none of our keys. What holds is found below it, as long as that is
retained; the engine's own expiry does not know that. A snapshot of ours on top holds it again.

It is given only where it is true. Positions of a landing table hold whatever another engine did to
rows (ARCHITECTURE, "Where a table stands"). What a derived table is built from holds only where
others moved rows and changed none; else the planner must see it, and build the table anew.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from shared.contracts.identity import uuid7
from shared.lake.commit import Delta, Head, HistoryPlan, Result, commit
from shared.lake.decisions import carried_by
from shared.lake.handle import TableHandle
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.housekeeping import housekeeping
from shared.lake.provenance import traced
from shared.lake.recorded import recorded
from shared.lake.table_state import TableState
from shared.tables.spec import TableSpec


@dataclass(frozen=True, slots=True)
class RestampReport:
    """How it ended, over how many foreign snapshots, and why it was skipped."""

    status: Status
    foreign: int
    snapshot_id: int | None = None
    seconds: float = 0.0
    reason: str = ""


def restamp(
    handle: TableHandle,
    spec: TableSpec,
    *,
    writer: str,
    thinning: HistoryPlan | None = None,
    dry_run: bool = False,
) -> RestampReport:
    """Commit an empty ``replace`` that carries what the nearest ancestor of ours records.

    Raises:
        Unavailable, Refused, NotFound: as :func:`shared.lake.commit.commit`.
    """
    started = time.monotonic()
    state = handle.reload()
    report = RestampReport(Status.DRY_RUN, foreign(state, spec))
    if reason := _unfit(state, spec):
        return replace(report, status=Status.SKIPPED, reason=reason)
    if dry_run:
        return report

    def decide(head: Head, _: bool) -> Delta | None:
        return None if _unfit(head.state, spec) else housekeeping(head, "restamp")

    outcome = commit(handle, decide, commit_id=uuid7(), writer=writer, thinning=thinning)
    seconds = time.monotonic() - started
    if outcome.result is Result.NOTHING or outcome.snapshot is None:
        reason = _unfit(outcome.state, spec)
        return replace(report, status=Status.SKIPPED, reason=reason, seconds=seconds)
    return replace(
        report,
        status=Status.SUCCESS,
        snapshot_id=outcome.snapshot.snapshot_id,
        seconds=seconds,
    )


def foreign(state: TableState, spec: TableSpec) -> int:
    """Snapshots of others on top of the last one that says where the table stands."""
    return len(traced(state).foreign) if spec.derived else recorded(state).foreign


def _unfit(state: TableState, spec: TableSpec) -> str:
    """Why the head gets nothing; empty when it does."""
    if not foreign(state, spec):
        return "the head is one of ours"
    if carried_by(Head(state, recorded(state))) is None:
        return (
            "others have changed its rows: it is to be built anew"
            if spec.derived
            else "nothing says where it stands"
        )
    return ""
