"""When a table is folded: which files are written anew, which deletes are merged or dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from pyiceberg.table import Table

from shared.lake.head_checks import Partition, partition_of
from shared.lake.level_zero import is_level_zero, level_zero_spec, listed_in
from shared.lake.reading.live_files import LiveFile, LiveFiles, manifests
from shared.lake.surviving_rows import deleted_positions
from shared.lake.table_state import SnapshotEntry

TOTAL_FILES, TOTAL_ROWS = "total-delete-files", "total-position-deletes"


@dataclass(frozen=True, slots=True)
class FoldingPolicy:
    """When a partition is folded or level 0 spills, and what becomes of the files.

    Attributes:
        delete_commits: commits with deletes that are still beside the data.
        deleted_share: of the rows of one file.
        least_deleted: rows that one file must have lost for its share to count.
        spilled_files: files of level 0.
        spilled_rows: rows of level 0; not many more are held and spilled at once.
        joined_files: small files of a partition into which it spills: they become one.
        joined_deletes: commits with deletes in such a partition: they become one delete file.
        small_bytes: smaller files are put together.
        target_bytes: a file of that size is full.
    """

    delete_commits: int = 20
    deleted_share: float = 0.1
    least_deleted: int = 1000
    spilled_files: int = 20
    spilled_rows: int = 100_000
    joined_files: int = 20
    joined_deletes: int = 5
    small_bytes: int = 32 * 2**20
    target_bytes: int = 128 * 2**20


@dataclass(frozen=True, slots=True)
class Due:
    """Data files to be written anew, positions that stay deleted, delete files to be dropped."""

    rewritten: Sequence[str] = ()
    merged: Mapping[str, Sequence[int]] = field(default_factory=dict)
    deletes: Sequence[str] = ()


def nothing_due(table: Table, planned: SnapshotEntry, policy: FoldingPolicy) -> bool:
    """Whether a snapshot's totals and its manifest list rule out that anything is due.

    Then nothing else is read; the list is one that the next build reads anyway. Totals are optional
    (Iceberg spec, "Optional Snapshot Summary Fields"). Where they are too low, folding comes later
    than it might.

    Raises:
        OSError: the object store does not answer.
    """
    files, rows = (planned.summary.get(key, "") for key in (TOTAL_FILES, TOTAL_ROWS))
    if not (files.isdecimal() and rows.isdecimal()):
        return False
    if int(files) >= policy.delete_commits or int(rows) >= policy.least_deleted:
        return False
    spec_id = level_zero_spec(table)
    if spec_id is None:
        return True
    listed = listed_in(manifests(table.io, planned).values(), spec_id)
    return listed[0] < policy.spilled_files and listed[1] < policy.spilled_rows


def spilling(table: Table, live: LiveFiles, policy: FoldingPolicy) -> list[str]:
    """The files of level 0 to be spilled, the oldest ones first; none where it is not due."""
    spec_id = level_zero_spec(table)
    own = {p: each for p, each in live.data.items() if is_level_zero(each.file, spec_id)}
    deletes = {p: each for p, each in live.deletes.items() if each.file.spec_id == spec_id}
    rows = sum(each.file.record_count for each in own.values())
    if (
        len(own) < policy.spilled_files
        and rows < policy.spilled_rows
        and _commits(deletes) < policy.delete_commits
    ):
        return []
    found: list[str] = []
    held = 0
    for path in sorted(own, key=lambda path: own[path].sequence_number):
        if held >= policy.spilled_rows:
            break
        found.append(path)
        held += own[path].file.record_count
    return found


def due(
    table: Table,
    live: LiveFiles,
    data: Mapping[str, LiveFile],
    beside: Mapping[str, LiveFile],
    policy: FoldingPolicy,
    *,
    joined: bool,
) -> Due | None:
    """What is to be done about a partition; ``None`` for nothing.

    Args:
        table: whose partition it is.
        live: the files of the snapshot.
        data, beside: data and delete files of the partition.
        policy: when.
        joined: level 0 spills rows into it.

    Raises:
        OSError: the object store does not answer, or lacks a file.
    """
    small = {p for p, e in data.items() if e.file.file_size_in_bytes < policy.small_bytes}
    commits = _commits(beside)
    whole = commits >= policy.delete_commits or (joined and len(small) >= policy.joined_files)
    merging = joined and commits >= policy.joined_deletes
    held = sum(each.file.record_count for each in beside.values())
    if not whole and not merging and held < policy.least_deleted:  # tells without reading them
        return None
    deleted = deleted_positions(table.io, live, data)
    gone = {path: pa.chunked_array(parts).unique() for path, parts in deleted.items()}
    heavy = {
        path
        for path, own in gone.items()
        if len(own)
        >= max(policy.least_deleted, policy.deleted_share * data[path].file.record_count)
    }
    if not whole and not merging and not heavy:
        return None
    rewritten = heavy | small if whole or heavy else set[str]()
    if len(rewritten) == 1 and not joined and not gone.keys() & rewritten:
        rewritten = set()  # it would become itself
    merged = {p: own.to_pylist() for p, own in gone.items() if p not in rewritten}
    return Due(sorted(rewritten), merged, sorted(beside))


def files_by_partition(files: Mapping[str, LiveFile]) -> dict[Partition, dict[str, LiveFile]]:
    """Files of each partition by path."""
    found: dict[Partition, dict[str, LiveFile]] = {}
    for path, each in files.items():
        found.setdefault(partition_of(each.file), {})[path] = each
    return found


def _commits(deletes: Mapping[str, LiveFile]) -> int:
    return len({each.sequence_number for each in deletes.values()})
