"""Fold position deletes into the data before readers pay too much for them.

A partition is folded after :attr:`FoldingPolicy.delete_commits` commits with deletes, or when one
of its files has lost :attr:`FoldingPolicy.deleted_share` of its rows. Its small files become one
without deletes, and so does each large file that has lost as much; what is left of the deletes, of
other large files, becomes one delete file. The rows stay the same: a ``replace`` snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from shared.lake.commit import Delta, Head, Outcome, Stale, Thinning, commit
from shared.lake.data_files import write_rows
from shared.lake.handle import TableHandle
from shared.lake.head_checks import Partition, partition_of
from shared.lake.position_deletes import write_position_deletes
from shared.lake.reading.live_files import LiveFile, LiveFiles, live_files
from shared.lake.surviving_rows import deleted_positions, surviving_rows
from shared.lake.table_state import MAIN, SnapshotEntry
from shared.tables.spec import TableSpec

TOTAL_FILES, TOTAL_ROWS = "total-delete-files", "total-position-deletes"


@dataclass(frozen=True, slots=True)
class FoldingPolicy:
    """When a partition is folded, and what becomes of its files.

    Attributes:
        delete_commits: commits with deletes that are still beside the data.
        deleted_share: of the rows of one file.
        least_deleted: rows that one file must have lost for its share to count.
        small_bytes: smaller files are put together.
        target_bytes: a file of that size is full.
    """

    delete_commits: int = 20
    deleted_share: float = 0.1
    least_deleted: int = 1000
    small_bytes: int = 32 * 2**20
    target_bytes: int = 128 * 2**20


def fold(
    handle: TableHandle,
    spec: TableSpec,
    *,
    commit_id: str,
    writer: str,
    ref: str = MAIN,
    policy: FoldingPolicy | None = None,
    thinning: Thinning | None = None,
) -> Outcome | None:
    """Fold a table where it is due.

    Returns:
        the commit; ``None`` when nothing is due, or when somebody else has committed rows of the
        same files meanwhile: the next call sees to it.

    Raises:
        Unavailable, Refused, NotFound: as :func:`shared.lake.commit.commit`.
    """
    head = handle.state().head(ref)
    planned = None if head is None else folding(handle.table, spec, head, policy)
    if planned is None:
        return None

    def decide(_: Head, may_reuse_files: bool) -> Delta:
        if not may_reuse_files:
            raise Stale("the files may come to be named by an attempt of unknown outcome")
        return planned

    try:
        return commit(
            handle, decide, commit_id=commit_id, writer=writer, ref=ref, thinning=thinning
        )
    except Stale:
        return None


def folding(
    table: Table, spec: TableSpec, planned: SnapshotEntry, policy: FoldingPolicy | None = None
) -> Delta | None:
    """Write the files of what is due in a snapshot; ``None`` when nothing is.

    A partition is held in memory at a time. Files of earlier partition specs are left alone.

    Raises:
        Refused: the table has files that cannot be read here.
        OSError: the object store does not answer.
    """
    policy = policy or FoldingPolicy()
    if _few(planned, policy):
        return None
    live = live_files(table, planned)
    added: list[DataFile] = []
    deletes: list[DataFile] = []
    dropped: set[str] = set()
    named: set[str] = set()
    for partition, beside in _by_partition(live.deletes).items():
        if partition[0] != table.metadata.default_spec_id or not _noticeable(beside, policy):
            continue
        due = _due(table, live, partition, beside, policy)
        if due is None:
            continue
        rows = surviving_rows(table, spec, live, due.rewritten)
        added += write_rows(table, spec, rows, target_bytes=policy.target_bytes)
        files = {path: live.data[path].file for path in due.merged}
        deletes += write_position_deletes(table, due.merged, files)
        dropped |= {*due.rewritten, *due.deletes}
        named |= due.merged.keys()
    if not dropped:
        return None
    return Delta(
        added=added, deletes=deletes, dropped=dropped, named=named, planned=planned, replace=True
    )


@dataclass(frozen=True, slots=True)
class _Due:
    """Data files to be written anew, positions that stay deleted, delete files to be dropped."""

    rewritten: Sequence[str]
    merged: Mapping[str, Sequence[int]]
    deletes: Sequence[str]


def _by_partition(files: Mapping[str, LiveFile]) -> dict[Partition, dict[str, LiveFile]]:
    found: dict[Partition, dict[str, LiveFile]] = {}
    for path, each in files.items():
        found.setdefault(partition_of(each.file), {})[path] = each
    return found


def _commits(deletes: Mapping[str, LiveFile]) -> int:
    return len({each.sequence_number for each in deletes.values()})


def _few(planned: SnapshotEntry, policy: FoldingPolicy) -> bool:
    """Whether the snapshot's own totals rule out that anything is due: then nothing is read.

    Totals are optional (Iceberg spec, "Optional Snapshot Summary Fields"). Where they are too low,
    folding comes later than it might.
    """
    files, rows = (planned.summary.get(key, "") for key in (TOTAL_FILES, TOTAL_ROWS))
    if not (files.isdecimal() and rows.isdecimal()):
        return False
    return int(files) < policy.delete_commits and int(rows) < policy.least_deleted


def _noticeable(deletes: Mapping[str, LiveFile], policy: FoldingPolicy) -> bool:
    """Whether these can be too many at all; tells without reading them."""
    held = sum(each.file.record_count for each in deletes.values())
    return _commits(deletes) >= policy.delete_commits or held >= policy.least_deleted


def _due(
    table: Table,
    live: LiveFiles,
    partition: Partition,
    beside: Mapping[str, LiveFile],
    policy: FoldingPolicy,
) -> _Due | None:
    data = {p: e.file for p, e in live.data.items() if partition_of(e.file) == partition}
    deleted = deleted_positions(table.io, live, data)
    gone = {path: pa.chunked_array(parts).unique() for path, parts in deleted.items()}
    heavy = {
        path
        for path, own in gone.items()
        if len(own) >= max(policy.least_deleted, policy.deleted_share * data[path].record_count)
    }
    if _commits(beside) < policy.delete_commits and not heavy:
        return None
    small = {p for p, file in data.items() if file.file_size_in_bytes < policy.small_bytes}
    rewritten = heavy | small
    if len(rewritten) == 1 and not gone.keys() & rewritten:
        rewritten = set()  # it would become itself
    merged = {p: own.to_pylist() for p, own in gone.items() if p not in rewritten}
    return _Due(sorted(rewritten), merged, sorted(beside))
