"""What a build tells of itself."""

from __future__ import annotations

from dataclasses import replace

from services.transformer.building.iceberg_lake import IcebergLake
from services.transformer.building.writing import Written
from services.transformer.framework.build import Result
from services.transformer.framework.plan import Full, Incremental
from services.transformer.framework.transform import Transform, derivation
from services.transformer.request import BuildReport
from shared.lake.commit import Outcome
from shared.lake.provenance import Provenance


def report(
    transform: Transform,
    todo: Incremental | Full,
    result: Result,
    lake: IcebergLake,
    written: Written | None,
) -> BuildReport:
    """What a build live or aside did.

    Args:
        todo: what was planned.
        result: what was computed.
        lake: counted what was read.
        written: the commit; ``None``: there was nothing to record.
    """
    found = BuildReport(
        mode="full" if isinstance(todo, Full) else "incremental",
        reason=todo.reason if isinstance(todo, Full) else _moved(todo),
        rows_read=lake.stats.rows,
        bytes_read=lake.stats.bytes,
        rows_added=result.added,
        rows_removed=result.removed,
        sources={t: cut.snapshot_id for t, cut in result.provenance.sources.items()},
        as_of=result.provenance.as_of if derivation(transform.target).ticked else None,
    )
    if written is None:
        reason = "its inputs were only rewritten"
        if isinstance(todo, Incremental) and todo.days is not None:
            reason = f"{todo.days} are as they should be"
        return replace(found, mode="nothing", reason=reason)
    return committed(written.outcome, replace(found, bytes_written=written.bytes))


def committed(outcome: Outcome, report: BuildReport) -> BuildReport:
    """The report with what the catalog has committed."""
    snapshot = outcome.snapshot
    if snapshot is None:
        return report
    return replace(
        report, snapshot_id=snapshot.snapshot_id, sequence_number=snapshot.sequence_number
    )


def _moved(todo: Incremental) -> str:
    """Why there is something to do, in words."""
    started: Provenance = todo.started
    moved = [t for t, cut in todo.provenance.sources.items() if started.sources.get(t) != cut]
    reasons = [f"{', '.join(sorted(moved))} moved on"] if moved else []
    if todo.ticked:
        reasons.append(f"the business date is {todo.provenance.as_of}")
    if todo.days is not None:
        reasons.append(f"{todo.days} computed anew")
    return " and ".join(reasons) or "how far it is complete moved on"
