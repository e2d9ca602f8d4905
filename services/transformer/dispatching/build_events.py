"""What ``lakehouse.builds`` is told of a build: that it began, has ended well, or has failed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.transformer.planning.wishes import Failure, Start
from services.transformer.request import BuildReport, Stage
from services.transformer.workers.pool import BuildError
from shared.contracts.builds import BuildFailed, BuildStarted, BuildSucceeded, Mode


def started(start: Start, build_id: str, worker: str) -> BuildStarted:
    """A build begins."""
    return BuildStarted(
        build_id=build_id,
        target=start.target,
        wave=start.wish.wave,
        cause=start.wish.cause,
        reason=start.wish.reason,
        full=start.stage is not Stage.LIVE,
        first_day=None if start.days is None else start.days.first,
        last_day=None if start.days is None else start.days.last,
        attempt=start.attempt,
        worker=worker,
        started_at=datetime.now(UTC),
    )


def succeeded(start: Start, build_id: str, report: BuildReport, seconds: float) -> BuildSucceeded:
    """A build has ended well."""
    mode: Mode = "nothing"
    if report.mode in ("incremental", "full"):
        mode = "full" if report.mode == "full" else "incremental"
    return BuildSucceeded(
        build_id=build_id,
        target=start.target,
        wave=start.wish.wave,
        cause=start.wish.cause,
        mode=mode,
        reason=report.reason if report.rebuild is None else f"to be rebuilt: {report.rebuild}",
        to_be_rebuilt=report.rebuild is not None,
        attempt=start.attempt,
        rows_read=report.rows_read,
        bytes_read=report.bytes_read,
        rows_added=report.rows_added,
        rows_removed=report.rows_removed,
        bytes_written=report.bytes_written,
        seconds=round(seconds, 3),
        snapshot_id=report.snapshot_id,
        sequence_number=report.sequence_number,
        as_of=report.as_of,
        succeeded_at=datetime.now(UTC),
    )


def failed(
    start: Start, build_id: str, failure: Failure, error: BuildError, seconds: float
) -> BuildFailed:
    """A build has failed, and what follows."""
    now = datetime.now(UTC)
    return BuildFailed(
        build_id=build_id,
        target=start.target,
        wave=start.wish.wave,
        cause=start.wish.cause,
        attempt=failure.attempt,
        error_type=error.error_type,
        error=error.error,
        seconds=round(seconds, 3),
        will_retry=failure.will_retry,
        next_attempt_at=now + timedelta(seconds=failure.delay_s),
        failed_at=now,
    )


def together(first: BuildReport, second: BuildReport) -> BuildReport:
    """One report of a rebuild and its publishing."""
    return replace(
        second,
        mode=first.mode,
        reason=first.reason or second.reason,
        rows_read=first.rows_read + second.rows_read,
        bytes_read=first.bytes_read + second.bytes_read,
        rows_added=first.rows_added + second.rows_added,
        rows_removed=first.rows_removed + second.rows_removed,
        bytes_written=first.bytes_written + second.bytes_written,
    )
