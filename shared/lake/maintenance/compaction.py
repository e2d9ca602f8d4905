"""Write many files anew as few, while others write: the rows stay the same.

One commit for each group of files, so what is done is done when a later group fails. A group is of
one partition and one partition spec. Rows that others delete from its files meanwhile are deleted
from the new files in the very snapshot that brings them; see :func:`compact`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from shared.lake.commit import Thinning
from shared.lake.handle import TableHandle
from shared.lake.maintenance.policy import MaintenancePolicy
from shared.tables.spec import TableSpec


class Status(StrEnum):
    """How a run ended that did not fail."""

    SUCCESS = "success"
    SKIPPED = "skipped"
    DRY_RUN = "dry_run"


@dataclass(frozen=True, slots=True)
class CompactionStep:
    """How far a compaction is: told after each batch of rows and after each group.

    Attributes:
        partition: of the present group.
        group, groups: number of the present group, from 1, and how many there are.
        bytes_done, bytes_all: of the input files.
    """

    partition: str
    group: int
    groups: int
    bytes_done: int
    bytes_all: int


@dataclass(frozen=True, slots=True)
class CompactionReport:
    """What a compaction did.

    Attributes:
        status: success when at least one group was committed, skipped when nothing was due or all
            groups were overtaken.
        reason: why it was skipped, or what was given up.
        groups: groups that were committed; of a dry run, that would be.
        files_before, files_after: data files that went and came.
        bytes_before, bytes_after: of these.
        rows: that live in the new files.
        deletes_dropped: delete files that went.
        deletes_translated: positions that others deleted meanwhile, deleted in the new files.
        attempts_wasted, bytes_wasted: groups that were written in vain, and the bytes written.
        held_bytes: most bytes of rows that were held at once.
        seconds: how long it took.
        dropped: paths of data and delete files that the head does not name any more. They stay in
            the store: retained snapshots name them.
    """

    status: Status
    reason: str = ""
    groups: int = 0
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    rows: int = 0
    deletes_dropped: int = 0
    deletes_translated: int = 0
    attempts_wasted: int = 0
    bytes_wasted: int = 0
    held_bytes: int = 0
    seconds: float = 0.0
    dropped: frozenset[str] = frozenset()


def compact(
    handle: TableHandle,
    spec: TableSpec,
    policy: MaintenancePolicy,
    *,
    writer: str,
    now_ms: int,
    thinning: Thinning | None = None,
    dry_run: bool = False,
    force: bool = False,
    progress: Callable[[CompactionStep], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> CompactionReport:
    """Compact what is due in a table.

    Args:
        handle: the table.
        spec: its declaration.
        policy: when and how; properties of the table must have been applied to it
            (:func:`shared.lake.maintenance.policy.with_properties`).
        writer: name of the service, written into the snapshots.
        now_ms: milliseconds since the epoch, for how long partitions have been quiet.
        thinning: removal of old snapshots with each commit.
        dry_run: write nothing, tell what would be done.
        force: every partition that has small files or deletes, whether it is due or not.
        progress: told how far it is.
        stop: asked between batches of rows; once true, the present group is given up.

    Raises:
        Unavailable: catalog or object store do not answer; groups committed before stay.
        Refused: the table has files that cannot be read here.
        NotFound: the table does not exist.
        OSError: the object store does not answer, or lacks a file.
    """
    raise NotImplementedError
