"""From a computed result to one snapshot of the target.

The commit rule: the target still records what the build started from, and nobody has changed its
rows since. Otherwise the result belongs to a table that is no more; it is thrown away, and its
caller plans again. So two builders of one table, even one that was thought dead, are harmless. A
refresh of some days records what the table recorded before, so what is recorded does not tell all:
since the build was planned, rows may only have been moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl
from pyiceberg.manifest import DataFile

from services.transformer.building.iceberg_lake import REPLACE
from services.transformer.framework.build import Result
from services.transformer.framework.frames import FILE, POSITION
from services.transformer.framework.gathered import Further
from shared.lake.announcements import KEY_ROWS
from shared.lake.commit import Delta, Head, Outcome, Stale, Thinning, commit
from shared.lake.data_files import write_portions
from shared.lake.handle import TableHandle
from shared.lake.reading.live_files import LiveFiles, live_files
from shared.lake.recorded import ancestors
from shared.lake.row_changes import delta
from shared.lake.table_state import MAIN, SnapshotEntry
from shared.tables.spec import TableSpec

WRITER = "transformer"
TARGET_BYTES = 128 * 2**20
"""A data file of that size is full."""


@dataclass(frozen=True, slots=True)
class Written:
    """A commit, and the bytes of the files that it added."""

    outcome: Outcome
    bytes: int


def write(
    handle: TableHandle,
    spec: TableSpec,
    result: Result,
    planned: SnapshotEntry | None,
    foreign: frozenset[int],
    *,
    commit_id: str,
    ref: str = MAIN,
    thinning: Thinning | None = None,
) -> Written:
    """Commit a result.

    Args:
        handle: the target.
        spec: its declaration.
        result: what was computed.
        planned: the head that it was computed on.
        foreign: snapshots of others that it was computed on.
        commit_id: identity of this commit.
        ref: the branch.
        thinning: removal of old snapshots in the same update.

    Raises:
        Stale: the target has moved on; nothing was committed.
        Unavailable, Refused, NotFound: as :func:`shared.lake.commit.commit`.
    """
    prepared: list[Delta] = []

    def decide(head: Head, may_reuse_files: bool) -> Delta:
        found = head.traced
        if found.provenance != result.started:
            raise Stale(f"{spec.name} was built by somebody else meanwhile")
        if changed_by_others(found.foreign) != foreign:
            raise Stale(f"rows of {spec.name} were changed by somebody else meanwhile")
        if not _only_moved(head, planned):
            raise Stale(f"rows of {spec.name} were refreshed meanwhile")
        if not may_reuse_files:
            prepared.clear()
        if not prepared:
            prepared.append(_delta(handle, spec, result, planned))
        return prepared[0]

    outcome = commit(handle, decide, commit_id=commit_id, writer=WRITER, ref=ref, thinning=thinning)
    files = [file for each in prepared for file in (*each.added, *each.deletes)]
    return Written(outcome, sum(file.file_size_in_bytes for file in files))


def changed_by_others(snapshots: Sequence[SnapshotEntry]) -> frozenset[int]:
    """Those of foreign snapshots that did more than move rows."""
    return frozenset(
        each.snapshot_id for each in snapshots if each.summary.get("operation") != REPLACE
    )


def _only_moved(head: Head, planned: SnapshotEntry | None) -> bool:
    """Whether nothing but moves of rows lies between the planned head and this one."""
    for each in ancestors(head.state, head.ref):
        if planned is not None and each.snapshot_id == planned.snapshot_id:
            return True
        if each.summary.get("operation") != REPLACE:
            return False
    return planned is None and head.snapshot is None


def _delta(
    handle: TableHandle, spec: TableSpec, result: Result, planned: SnapshotEntry | None
) -> Delta:
    table = handle.table
    live = LiveFiles({}, {}) if planned is None else live_files(table, planned)
    further = [] if result.further is None else _files(handle, spec, result.further)
    found = delta(
        table,
        spec,
        live,
        positions_of(result),
        result.appended.to_arrow(),
        planned=planned,
        carried=result.provenance,
        replaces=result.replaces,
        target_bytes=TARGET_BYTES,
        summary={KEY_ROWS: str(result.added)},
    )
    return replace(found, added=[*found.added, *further]) if further else found


def _files(handle: TableHandle, spec: TableSpec, rows: Further) -> list[DataFile]:
    """Data files of rows that cannot be held at once."""
    return [
        file
        for portions in rows.partitions()
        for file in write_portions(handle.table, spec, portions, target_bytes=TARGET_BYTES)
    ]


def positions_of(result: Result) -> Mapping[str, list[int]]:
    """File → positions in it of the rows that go."""
    by_file = result.deleted.group_by(FILE).agg(pl.col(POSITION))
    return dict(zip(by_file[FILE].to_list(), by_file[POSITION].to_list(), strict=True))
