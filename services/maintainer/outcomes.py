"""What becomes of jobs, in the words of events: what a look found due, how a job ended. Pure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from services.maintainer.tasks import IN_ORDER, Task, Verdict
from shared.contracts.identity import uuid7
from shared.contracts.maintenance import (
    JobName,
    MaintenanceFailed,
    MaintenanceSucceeded,
)
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.counted_deletion import Undeleted
from shared.lake.maintenance.job_result import JobResult
from shared.lake.maintenance.looking import Looked
from shared.runtime.told_errors import told

_OWN = {"status", "reason", "before", "after", "interrupted"}
"""Fields of a result that an event words otherwise."""


def due(looked: Looked) -> dict[JobName, str]:
    """Jobs that a look found due; of several reasons for one the first, and how many more."""
    reasons: dict[JobName, list[str]] = {}
    for proposal in looked.proposals:
        for job in IN_ORDER:
            if proposal.due and proposal.job == job:
                reasons.setdefault(job, []).append(proposal.reason)
    if looked.unreferenced:
        reasons["unreferenced"] = ["files that nothing names any more"]
    return {
        job: first + (f", and {len(more)} more such" if more else "")
        for job, (first, *more) in reasons.items()
    }


def succeeded(task: Task, result: JobResult, worker: str, seconds: float) -> MaintenanceSucceeded:
    """A job has ended well, having done something or found nothing to do."""
    assert task.job is not None  # noqa: S101 - looks go another way
    figures = {name: value for name, value in asdict(result).items() if name not in _OWN}
    return MaintenanceSucceeded(
        job_id=uuid7(),
        job=task.job,
        table=task.table,
        status="skipped" if result.status is Status.SKIPPED else "succeeded",
        reason=result.reason or task.reason,
        cause=task.cause,
        command_id=task.request.command_id if task.request else None,
        worker=worker,
        attempt=task.attempt,
        before=result.before,
        after=result.after,
        seconds=seconds,
        succeeded_at=datetime.now(UTC),
        **figures,
    )


def due_no_more(table: str, job: JobName, attempt: int, worker: str) -> MaintenanceSucceeded:
    """A job that failed is not due any more: its failure is over, as nothing is left to do."""
    return MaintenanceSucceeded(
        job_id=uuid7(),
        job=job,
        table=table,
        status="skipped",
        reason="what failed is not due any more",
        cause="policy",
        worker=worker,
        attempt=attempt,
        seconds=0.0,
        succeeded_at=datetime.now(UTC),
    )


def failed(
    task: Task, error: Exception, verdict: Verdict, worker: str, seconds: float
) -> MaintenanceFailed:
    """A job has failed; ``verdict`` says what follows.

    A request that has not ended with it is tried again: by its table's next owner, where the table
    went away meanwhile. Who waits for it goes on waiting.
    """
    assert task.job is not None  # noqa: S101 - looks go another way
    kind, text = told(error)
    again, now = verdict.again_in_s, datetime.now(UTC)
    goes_on = task.request is not None and verdict.finished is None
    return MaintenanceFailed(
        job_id=uuid7(),
        job=task.job,
        table=task.table,
        cause=task.cause,
        command_id=task.request.command_id if task.request else None,
        worker=worker,
        attempt=max(1, verdict.attempt),
        error_type=kind,
        error=text,
        errors=error.files if isinstance(error, Undeleted) else 0,
        seconds=seconds,
        will_retry=again is not None or goes_on,
        next_attempt_at=None if again is None else now + timedelta(seconds=again),
        failed_at=now,
    )


def is_news(event: MaintenanceSucceeded) -> bool:
    """Whether an outcome is published. What a look finds due again and again, and has nothing to do
    each time, is not; timers count from what was published. Work that was all in vain is."""
    quiet = event.status == "skipped" and event.cause == "policy" and event.attempt == 1
    return not quiet or event.attempts_wasted > 0
