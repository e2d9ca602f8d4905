"""The jobs of maintenance by name, each with what it did in the same form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from shared.contracts.maintenance import Figures
from shared.lake.handle import TableHandle
from shared.lake.maintenance.asked import Order
from shared.lake.maintenance.compaction import Status, compact
from shared.lake.maintenance.deletion import FileDeletion
from shared.lake.maintenance.expiry import expire
from shared.lake.maintenance.job_result import JobResult, with_errors
from shared.lake.maintenance.manifests import rewrite_manifests
from shared.lake.maintenance.orphans import remove_orphans
from shared.lake.maintenance.policy import Job
from shared.lake.maintenance.restamp import restamp
from shared.lake.maintenance.thresholds import DAY_MS, MaintenancePolicy, with_properties
from shared.lake.maintenance.unreferenced import Unreferenced
from shared.lake.table_state import TableState
from shared.runtime.errors import Refused
from shared.tables.spec import TableSpec


@dataclass(frozen=True, slots=True)
class Subject:
    """The table that a job is done to.

    Attributes:
        handle, spec: the table.
        policy: of tables whose properties say nothing else.
        writer: name of the service, written into snapshots.
        unreferenced: files that nothing names any more.
        files: what deletes.
    """

    handle: TableHandle
    spec: TableSpec
    policy: MaintenancePolicy
    writer: str
    unreferenced: Unreferenced
    files: FileDeletion


RunJob = Callable[[Subject, Order, TableState, int], JobResult]
"""Do a job to a table in this state, at this moment in milliseconds since the epoch."""


def _compact(subject: Subject, order: Order, state: TableState, now_ms: int) -> JobResult:
    stopped = False

    def stopping() -> bool:
        nonlocal stopped
        stopped = stopped or order.stop()
        return stopped

    done = compact(
        subject.handle,
        subject.spec,
        with_properties(subject.policy, state.properties),
        writer=subject.writer,
        now_ms=now_ms,
        dry_run=order.dry_run,
        force=order.asked.force,
        stop=stopping,
    )
    return JobResult(
        status=done.status,
        reason=done.reason,
        files_replaced=done.files_before,
        bytes_replaced=done.bytes_before,
        files_written=done.files_after,
        bytes_written=done.bytes_after,
        rows_moved=done.rows,
        deletes_dropped=done.deletes_dropped,
        deletes_translated=done.deletes_translated,
        attempts_wasted=done.attempts_wasted,
        bytes_wasted=done.bytes_wasted,
        interrupted=stopped,
    )


def _expire(subject: Subject, order: Order, state: TableState, now_ms: int) -> JobResult:
    policy = with_properties(subject.policy, state.properties)
    if order.asked.retention_days is not None:
        policy = replace(policy, retention_days=order.asked.retention_days)
    if order.asked.retain_last is not None:
        policy = replace(policy, retain_last=order.asked.retain_last)
    keep = order.kept(state)
    done = expire(
        subject.handle,
        subject.spec,
        policy,
        writer=subject.writer,
        now_ms=now_ms,
        pinned=frozenset(keep.pinned),
        announced=keep.announced,
        files=subject.files,
        dry_run=order.dry_run,
    )
    return JobResult(
        status=done.status,
        reason=with_errors(done.reason, done.errors),
        before=Figures(snapshots=done.snapshots_before),
        after=Figures(snapshots=done.snapshots_after),
        files_deleted=done.data_files_deleted + done.delete_files_deleted,
        metadata_deleted=done.manifests_deleted,
        bytes_freed=done.bytes_freed,
    )


def _orphans(subject: Subject, order: Order, state: TableState, now_ms: int) -> JobResult:
    older_than_ms = order.asked.older_than_ms
    if older_than_ms is None:
        policy = with_properties(subject.policy, state.properties)
        older_than_ms = now_ms - int(policy.orphan_days * DAY_MS)
    if older_than_ms > now_ms:
        raise Refused(
            f"files of {subject.spec.name} older than a moment in the future are all files",
            "name a moment in the past",
        )
    done = remove_orphans(
        subject.handle,
        subject.spec,
        older_than_ms=older_than_ms,
        now_ms=now_ms,
        files=subject.files,
        dry_run=order.dry_run,
        allow_young=order.asked.allow_young,
    )
    return JobResult(
        status=done.status,
        reason=with_errors(done.reason, done.errors),
        files_deleted=done.removed,
        bytes_freed=done.bytes,
    )


def _manifests(subject: Subject, order: Order, _state: TableState, _now_ms: int) -> JobResult:
    done = rewrite_manifests(
        subject.handle, subject.spec, writer=subject.writer, dry_run=order.dry_run
    )
    return JobResult(
        status=done.status,
        reason=done.reason,
        before=Figures(manifests=done.data_before + done.deletes_before),
        after=Figures(manifests=done.data_after + done.deletes_after),
    )


def _restamp(subject: Subject, order: Order, _state: TableState, _now_ms: int) -> JobResult:
    done = restamp(subject.handle, subject.spec, writer=subject.writer, dry_run=order.dry_run)
    return JobResult(status=done.status, reason=done.reason)


def _sweep(subject: Subject, _order: Order, state: TableState, _now_ms: int) -> JobResult:
    done = subject.unreferenced.sweep(state, subject.handle.table.io, subject.files)
    files = done.data_files + done.delete_files
    return JobResult(
        status=Status.SUCCESS if files or done.errors else Status.SKIPPED,
        reason=with_errors("", done.errors),
        files_deleted=files,
        bytes_freed=done.bytes,
    )


JOBS: Mapping[str, RunJob] = {
    Job.COMPACT: _compact,
    Job.EXPIRE: _expire,
    Job.ORPHANS: _orphans,
    Job.MANIFESTS: _manifests,
    Job.RESTAMP: _restamp,
    "unreferenced": _sweep,
}
"""Every :class:`Job`, and ``unreferenced``, which comes of looks alone."""
