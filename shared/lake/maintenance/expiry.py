"""End snapshots that are older than a table keeps them, and delete what only they named.

The removal rides on a snapshot without files (:mod:`shared.lake.maintenance.housekeeping`). A
removal alone would leave the head where it is: a writer that remembers the table from before would
then thin or tag snapshots that are gone, which a catalog refuses for good, instead of being told
by a conflict to look again.

What was the head within the last ten minutes stays, however old it is, so nobody is about to read
what goes. Deleted is what the removed snapshots name and nothing in the metadata as loaded after
the removal does; just before each deletion the metadata is loaded once more. Data and delete files
go first, manifests then, manifest lists last. Whatever ends it in between, nothing that is named is
gone, and what is left is an orphan.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import structlog
from msgspec import structs

from shared.contracts.identity import uuid7
from shared.lake.commit import Delta, Head, commit
from shared.lake.handle import TableHandle
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.deletion import FileDeletion
from shared.lake.maintenance.housekeeping import housekeeping
from shared.lake.maintenance.policy import MaintenancePolicy
from shared.lake.maintenance.retention import Retention
from shared.lake.maintenance.unnamed import OtherTable, Unnamed
from shared.lake.table_state import SnapshotEntry, TableState
from shared.tables.spec import TableSpec

log = structlog.stdlib.get_logger("bergline.lake")


@dataclass(frozen=True, slots=True)
class ExpiryReport:
    """What an expiry did, or in a dry run would do.

    Attributes:
        snapshots_before, snapshots_after: numbers of retained snapshots. After a removal the one
            that it rode on is among them.
        data_files_deleted, delete_files_deleted, manifests_deleted: manifest lists count with
            manifests.
        bytes_freed: sum of the sizes of the files deleted.
        errors: files that could not be deleted; left to the orphan sweep.
        seconds: time taken.
        reason: why it was skipped.
        expired: ids of the snapshots, oldest first.
    """

    status: Status
    snapshots_before: int
    snapshots_after: int
    snapshots_expired: int = 0
    data_files_deleted: int = 0
    delete_files_deleted: int = 0
    manifests_deleted: int = 0
    bytes_freed: int = 0
    errors: int = 0
    seconds: float = 0.0
    reason: str = ""
    expired: tuple[int, ...] = ()


def expire(
    handle: TableHandle,
    spec: TableSpec,
    policy: MaintenancePolicy,
    *,
    writer: str,
    now_ms: int,
    pinned: Collection[int] = (),
    announced: int | None = None,
    files: FileDeletion,
    dry_run: bool = False,
) -> ExpiryReport:
    """Remove the snapshots of one table that its retention has ended for.

    Args:
        handle: the table.
        spec: its declaration.
        policy: ``retention_days`` and ``retain_last`` count.
        writer: name of the service, written into the snapshot.
        now_ms: milliseconds since the epoch.
        pinned: snapshots that readers have recorded; held as long as thinning holds them.
        announced: last announced sequence number, ``None`` when nothing waits for that.
        files: what deletes.
        dry_run: change nothing; the report says what would go.

    Raises:
        Unavailable: the catalog does not answer, or not one file could be deleted. What was not
            deleted yet is found as orphan.
        Refused: the store does not let this client delete; or as
            :func:`shared.lake.commit.commit`.
        OSError: the store does not answer; what was not deleted yet is found as orphan.
        NotFound: as :func:`shared.lake.commit.commit`.
    """
    started = time.monotonic()
    retention = Retention.of(policy, now_ms, pinned=pinned, announced=announced)
    before = handle.reload()
    wanted = _entries(before, retention.plan(before, now_ms).remove)
    count = len(before.snapshots)
    if not wanted:
        return ExpiryReport(Status.SKIPPED, count, count, reason=_reason(before, retention))
    if dry_run:
        left = tuple(each for each in before.snapshots if each.snapshot_id not in wanted)
        left_behind = Unnamed(handle.table.io, wanted.values(), lambda: _with(before, left), None)
        report = ExpiryReport(Status.DRY_RUN, count, len(left))
    else:

        def decide(head: Head, _: bool) -> Delta | None:
            found = _entries(head.state, retention.plan(head.state, now_ms).remove)
            wanted.update(found)
            return housekeeping(head, "expire") if found else None

        commit(
            handle,
            decide,
            commit_id=uuid7(),
            writer=writer,
            thinning=retention,
        )
        after = handle.reload()
        wanted = {key: each for key, each in wanted.items() if key not in after.by_id}
        left_behind = Unnamed(handle.table.io, wanted.values(), handle.reload, files)
        report = ExpiryReport(Status.SUCCESS, count, len(after.snapshots))
    try:
        done = left_behind.delete(before.table_uuid)
    except OtherTable:
        return ExpiryReport(Status.SKIPPED, count, count, reason="it is another table by now")
    done.require_some(spec.name)
    ordered = sorted(wanted.values(), key=lambda each: each.sequence_number)
    log.info("snapshots expired", table=spec.name, snapshots=len(ordered), bytes=done.bytes)
    return replace(
        report,
        snapshots_expired=len(ordered),
        data_files_deleted=done.data,
        delete_files_deleted=done.deletes,
        manifests_deleted=done.manifests,
        bytes_freed=done.bytes,
        errors=done.errors,
        seconds=time.monotonic() - started,
        expired=tuple(each.snapshot_id for each in ordered),
    )


def _entries(state: TableState, ids: Iterable[int]) -> dict[int, SnapshotEntry]:
    return {each: state.by_id[each] for each in ids}


def _with(state: TableState, snapshots: tuple[SnapshotEntry, ...]) -> TableState:
    return structs.replace(state, snapshots=snapshots)


def _reason(state: TableState, retention: Retention) -> str:
    if len(state.snapshots) <= max(1, retention.last):
        return f"{len(state.snapshots)} snapshots, the newest {max(1, retention.last)} stay"
    return f"no snapshot older than {retention.days:g} days that nothing holds"
