"""What a job of maintenance did, in the one form in which it is told."""

from __future__ import annotations

from dataclasses import dataclass

from shared.contracts.entity_quality import EntityQuality
from shared.contracts.maintenance import Figures
from shared.lake.maintenance.compaction import Status
from shared.lake.table_state import TableState

_UNCOUNTED = Figures()


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
    quality: EntityQuality | None = None
    interrupted: bool = False
    """It was told to stop, and left out what was still to be done."""


def figures(state: TableState, counted: Figures) -> Figures:
    """What the state of a table tells, and what a job has counted itself, which goes before."""
    head = state.current_snapshot()
    summary = {} if head is None else head.summary
    files, size = summary.get("total-data-files"), summary.get("total-files-size")
    told = Figures(
        data_files=None if files is None else int(files),
        live_bytes=None if size is None else int(size),
        snapshots=len(state.snapshots),
    )
    return told.model_copy(update=counted.model_dump(exclude_none=True))


def with_errors(reason: str, errors: int) -> str:
    """A reason, and how many files were left behind."""
    if not errors:
        return reason
    left = f"{errors} files could not be deleted, the next sweep for orphans finds them"
    return f"{reason}; {left}" if reason else left
