"""End snapshots that are older than a table keeps them, and delete what only they named."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from shared.lake.handle import TableHandle
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.deletion import FileDeletion
from shared.lake.maintenance.policy import MaintenancePolicy
from shared.tables.spec import TableSpec


@dataclass(frozen=True, slots=True)
class ExpiryReport:
    """What an expiry did, or in a dry run would do.

    Attributes:
        snapshots_before, snapshots_after, snapshots_expired: numbers of retained snapshots.
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

    Raises:
        Unavailable: catalog or store do not answer; what was not deleted is found as orphan.
        Refused, NotFound: as :func:`shared.lake.commit.commit`.
    """
    raise NotImplementedError
