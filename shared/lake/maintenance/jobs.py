"""Every job of one table behind one call, with what it did in one form.

maintainer and the command line run them from here, so that a dry run decides as the job does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from shared.contracts.maintenance import Figures
from shared.contracts.plans import PlannedJob, PlannedMaintenance
from shared.lake.handle import TableHandle
from shared.lake.maintenance.compaction import Status, compact
from shared.lake.maintenance.deletion import Deleted, deletion_of
from shared.lake.maintenance.expiry import expire
from shared.lake.maintenance.manifests import rewrite_manifests
from shared.lake.maintenance.orphans import remove_orphans
from shared.lake.maintenance.policy import Job, Proposal, proposals
from shared.lake.maintenance.restamp import restamp
from shared.lake.maintenance.shape import TableShape, shape_of
from shared.lake.maintenance.thresholds import MaintenancePolicy, with_properties
from shared.lake.maintenance.unreferenced import Unreferenced
from shared.lake.provenance import traced
from shared.lake.reader import LakeReader, reachable
from shared.lake.table_state import TableState
from shared.runtime.errors import CheckFailed, NotFound, Refused, Unavailable
from shared.tables.lineage import readers
from shared.tables.registry import TABLES
from shared.tables.spec import TableSpec

_DAY_MS = 86_400_000
_UNCOUNTED = Figures()


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operator says beside the policy; what is ``None`` or false is left to that.

    Attributes:
        force: do it, whether it is due or not.
        retention_days, retain_last: of expiry.
        older_than_ms: of orphans, milliseconds since the epoch.
        allow_young: of orphans, younger than a day, too.
    """

    force: bool = False
    retention_days: float | None = None
    retain_last: int | None = None
    older_than_ms: int | None = None
    allow_young: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """What expiry must leave.

    Attributes:
        pinned: snapshots that readers have recorded.
        announced: last announced sequence number; ``None``: nothing waits for that.
    """

    pinned: Collection[int] = ()
    announced: int | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """One look at a table.

    Attributes:
        state, shape: the table.
        proposals: what might be done to it, what is due first.
        unreferenced: files that nothing names since the last looks, old enough to go.
        small_bytes: smaller files are small.
    """

    state: TableState
    shape: TableShape
    proposals: tuple[Proposal, ...]
    unreferenced: bool
    small_bytes: int


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a job did, or in a dry run would do; fields as of
    :class:`shared.contracts.maintenance.MaintenanceSucceeded`."""

    status: Status
    reason: str = ""
    before: Figures = _UNCOUNTED
    after: Figures = _UNCOUNTED
    files_replaced: int = 0
    bytes_replaced: int = 0
    files_written: int = 0
    bytes_written: int = 0
    rows_moved: int = 0
    deletes_dropped: int = 0
    deletes_translated: int = 0
    files_deleted: int = 0
    metadata_deleted: int = 0
    bytes_freed: int = 0
    errors: int = 0
    attempts_wasted: int = 0
    bytes_wasted: int = 0
    snapshot_id: int | None = None
    interrupted: bool = False
    """It was told to stop, and left out what was still to be done."""


class Undeleted(CheckFailed):
    """Raised when of all the files that were to be deleted none could be.

    The same is not tried again at once, whatever the store said: what expiry committed stays, and
    it would find nothing to do. The next sweep for orphans finds the files.

    Attributes:
        files: how many.
    """

    def __init__(self, table: str, files: int, why: str = "") -> None:
        super().__init__(
            f"{table}: none of {files} files could be deleted" + (f": {why}" if why else ""),
            "check that maintainer's credentials may delete objects; the next sweep for orphans "
            "finds the files",
        )
        self.files = files


class _Counted:
    """A :class:`FileDeletion` that knows after a job what became of all of it."""

    def __init__(self, handle: Callable[[], TableHandle]) -> None:
        self._handle = handle
        self.deleted = 0
        self.errors = 0
        self.error = ""

    def delete(self, paths: Iterable[str]) -> Deleted:
        """As :class:`FileDeletion`."""
        done = deletion_of(self._handle().table.io).delete(paths)
        self.deleted += len(done.paths)
        self.errors += done.errors
        self.error = self.error or done.error
        return done


def planned(table: str, found: Looked, now: datetime) -> PlannedMaintenance:
    """A look in words."""
    shape = found.shape
    return PlannedMaintenance(
        table=table,
        looked_at=now,
        data_files=shape.files,
        small_files=shape.small_files(found.small_bytes),
        delete_files=shape.delete_files,
        live_bytes=shape.bytes,
        snapshots=len(found.state.snapshots),
        manifests=shape.data_manifests + shape.delete_manifests,
        jobs=tuple(
            PlannedJob(
                job=each.job,
                due=each.due,
                reason=each.reason,
                partition=each.partition,
                files=each.files,
                bytes=each.bytes,
            )
            for each in found.proposals
        ),
    )


class Maintained:
    """One table and what can be done to it. For one thread at a time.

    Args:
        reader: its connection is this table's alone.
        spec: the table.
        policy: of tables whose properties say nothing else.
        writer: name of the service, written into snapshots.
    """

    def __init__(
        self, reader: LakeReader, spec: TableSpec, policy: MaintenancePolicy, writer: str
    ) -> None:
        self._reader = reader
        self._spec = spec
        self._policy = policy
        self._writer = writer
        self._found: TableHandle | None = None
        self._unreferenced = Unreferenced()
        self._files = _Counted(lambda: self._handle)

    @property
    def _handle(self) -> TableHandle:
        if self._found is None:
            self._found = self._reader.handle(self._spec.name)
        return self._found

    def look(self) -> Looked:
        """The table as it is now, and what is due.

        Raises:
            Unavailable: catalog or store do not answer.
            CheckFailed: a file that the table names is not in the store.
            NotFound: the catalog has no such table.
            Refused, ConfigurationError: it has files or properties that cannot be read here.
        """
        with self._readable():
            state = self._handle.reload()
            table = self._handle.table
            shape = shape_of(table, self._spec, state)
            policy = with_properties(self._policy, state.properties)
            self._unreferenced.look(state, table.io)
        found = tuple(proposals(shape, policy, _now_ms()))
        return Looked(state, shape, found, self._unreferenced.due(), policy.small_bytes)

    def run(
        self,
        job: str,
        asked: Asked = Asked(),
        kept: Callable[[TableState], Kept] = lambda _: Kept(),
        *,
        dry_run: bool = False,
        stop: Callable[[], bool] = lambda: False,
    ) -> JobResult:
        """Run a job: one of :class:`Job`, or ``unreferenced``.

        Args:
            job: which.
            asked: what an operator says.
            kept: what expiry must leave of a table, besides what :meth:`recorded` tells.
            dry_run: change nothing, tell what would be done.
            stop: asked again and again; once true, a compaction gives up the group that it
                is at, and its result is ``interrupted``.

        Raises:
            Unavailable: catalog or store do not answer.
            CheckFailed: a file that the table names is not in the store.
            Undeleted: files were to be deleted, and none could be; what it committed stays.
            NotFound: the catalog has no such table.
            Refused, ConfigurationError: it cannot be done to this table.
        """
        jobs: dict[str, Callable[[TableState], JobResult]] = {
            Job.COMPACT: partial(self._compact, asked, dry_run, stop),
            Job.EXPIRE: partial(self._expire, asked, kept, dry_run),
            Job.ORPHANS: partial(self._orphans, asked, dry_run),
            Job.MANIFESTS: partial(self._manifests, dry_run),
            Job.RESTAMP: partial(self._restamp, dry_run),
            "unreferenced": self._sweep,
        }
        with self._readable():
            before = self._handle.reload()
            result = self._deleting(partial(jobs[job], before))
            if dry_run or result.status is not Status.SUCCESS:
                return replace(result, before=_figures(before, result.before))
            after = self._handle.reload()
        moved = after.head_id() != before.head_id()
        return replace(
            result,
            before=_figures(before, result.before),
            after=_figures(after, result.after),
            snapshot_id=after.head_id() if moved else None,
        )

    def _deleting(self, job: Callable[[], JobResult]) -> JobResult:
        files = self._files = _Counted(lambda: self._handle)
        try:
            result = job()
        except (Refused, Unavailable) as error:
            if files.errors and not files.deleted:
                raise Undeleted(self._spec.name, files.errors, files.error) from error
            raise
        finally:
            if files.errors:
                self._handle.renew()  # the way to the store may be of yesterday
        if files.errors and not files.deleted:
            raise Undeleted(self._spec.name, files.errors, files.error)
        return replace(result, errors=files.errors)

    def recorded(self) -> frozenset[int]:
        """Snapshots that the heads of derived tables, and of branches they are rebuilt on, say
        they were built from."""
        found: set[int] = set()
        for name in readers(self._spec.name, TABLES):
            try:
                state = self._reader.handle(name).reload()
            except NotFound:
                continue
            for ref, entry in state.refs.items():
                if entry.type == "branch":
                    built = traced(state, ref).provenance
                    if built is not None and self._spec.name in built.sources:
                        found.add(built.sources[self._spec.name].snapshot_id)
        return frozenset(found)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            with reachable(self._reader.settings):
                try:
                    yield
                except FileNotFoundError as error:
                    name = self._spec.name
                    raise CheckFailed(
                        f"{name} names a file that is not in the store: {error}",
                        f"`bergline verify {name}` tells which are missing",
                    ) from error
        except Unavailable:
            if self._found is not None:
                self._found.renew()  # credentials that came with the table expire
            raise

    def _policy_of(self, state: TableState) -> MaintenancePolicy:
        return with_properties(self._policy, state.properties)

    def _compact(
        self, asked: Asked, dry_run: bool, stop: Callable[[], bool], state: TableState
    ) -> JobResult:
        stopped = False

        def stopping() -> bool:
            nonlocal stopped
            stopped = stopped or stop()
            return stopped

        done = compact(
            self._handle,
            self._spec,
            self._policy_of(state),
            writer=self._writer,
            now_ms=_now_ms(),
            dry_run=dry_run,
            force=asked.force,
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

    def _expire(
        self, asked: Asked, kept: Callable[[TableState], Kept], dry_run: bool, state: TableState
    ) -> JobResult:
        policy = self._policy_of(state)
        if asked.retention_days is not None:
            policy = replace(policy, retention_days=asked.retention_days)
        if asked.retain_last is not None:
            policy = replace(policy, retain_last=asked.retain_last)
        keep = kept(state)
        done = expire(
            self._handle,
            self._spec,
            policy,
            writer=self._writer,
            now_ms=_now_ms(),
            pinned=frozenset(keep.pinned) | self.recorded(),
            announced=keep.announced,
            files=self._files,
            dry_run=dry_run,
        )
        return JobResult(
            status=done.status,
            reason=_with_errors(done.reason, done.errors),
            before=Figures(snapshots=done.snapshots_before),
            after=Figures(snapshots=done.snapshots_after),
            files_deleted=done.data_files_deleted + done.delete_files_deleted,
            metadata_deleted=done.manifests_deleted,
            bytes_freed=done.bytes_freed,
        )

    def _orphans(self, asked: Asked, dry_run: bool, state: TableState) -> JobResult:
        now_ms = _now_ms()
        older_than_ms = asked.older_than_ms
        if older_than_ms is None:
            older_than_ms = now_ms - int(self._policy_of(state).orphan_days * _DAY_MS)
        if older_than_ms > now_ms:
            raise Refused(
                f"files of {self._spec.name} older than a moment in the future are all files",
                "name a moment in the past",
            )
        done = remove_orphans(
            self._handle,
            self._spec,
            older_than_ms=older_than_ms,
            now_ms=now_ms,
            files=self._files,
            dry_run=dry_run,
            allow_young=asked.allow_young,
        )
        return JobResult(
            status=done.status,
            reason=_with_errors(done.reason, done.errors),
            files_deleted=done.removed,
            bytes_freed=done.bytes,
        )

    def _manifests(self, dry_run: bool, _: TableState) -> JobResult:
        done = rewrite_manifests(self._handle, self._spec, writer=self._writer, dry_run=dry_run)
        return JobResult(
            status=done.status,
            reason=done.reason,
            before=Figures(manifests=done.data_before + done.deletes_before),
            after=Figures(manifests=done.data_after + done.deletes_after),
        )

    def _restamp(self, dry_run: bool, _: TableState) -> JobResult:
        done = restamp(self._handle, self._spec, writer=self._writer, dry_run=dry_run)
        return JobResult(status=done.status, reason=done.reason)

    def _sweep(self, state: TableState) -> JobResult:
        done = self._unreferenced.sweep(state, self._handle.table.io, self._files)
        files = done.data_files + done.delete_files
        return JobResult(
            status=Status.SUCCESS if files or done.errors else Status.SKIPPED,
            reason=_with_errors("", done.errors),
            files_deleted=files,
            bytes_freed=done.bytes,
        )


def _now_ms() -> int:
    return int(time.time() * 1000)


def _figures(state: TableState, counted: Figures) -> Figures:
    head = state.current_snapshot()
    summary = {} if head is None else head.summary
    files, size = summary.get("total-data-files"), summary.get("total-files-size")
    told = Figures(
        data_files=None if files is None else int(files),
        live_bytes=None if size is None else int(size),
        snapshots=len(state.snapshots),
    )
    return told.model_copy(update=counted.model_dump(exclude_none=True))


def _with_errors(reason: str, errors: int) -> str:
    if not errors:
        return reason
    left = f"{errors} files could not be deleted, the next sweep for orphans finds them"
    return f"{reason}; {left}" if reason else left
