"""Stepping over snapshots that only rewrote files.

Iceberg specification, "Snapshots": the operation ``replace`` means that files came and went and the
rows are the same. To compare the rows of a compacted table with themselves would cost as much as
to read it twice.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from pyiceberg.table import Table

from shared.lake.reading.file_changes import FileChanges, file_changes
from shared.lake.table_state import SnapshotEntry

REPLACE = "replace"

History = Callable[[int], SnapshotEntry | None]
"""Snapshot id → the snapshot, if it is retained."""


def around_rewrites(
    table: Table, start: SnapshotEntry, end: SnapshotEntry, history: History | None = None
) -> list[FileChanges] | None:
    """The changes from ``start`` to ``end`` in steps that leave the rewrites between them out.

    Rows may come in one step and go in another. ``history`` finds the snapshots between the two;
    by default ``table`` does, which knows those from before it was loaded.

    Returns:
        the steps; ``None`` when there is no rewrite between the two, or not every snapshot between
        them is retained, or one that says ``replace`` changed the number of rows.

    Raises:
        Refused, OSError: as :func:`shared.lake.reading.file_changes.file_changes`.
    """
    line = _line(history or known_to(table), start, end)
    steps: list[FileChanges] = []
    since = start
    rewrites = 0
    try:
        for parent, snapshot in pairwise(line):
            if snapshot.summary.get("operation") != REPLACE:
                continue
            if file_changes(table, parent, snapshot).rows_more():
                return None
            rewrites += 1
            if since.snapshot_id != parent.snapshot_id:
                steps.append(file_changes(table, since, parent))
            since = snapshot
        if rewrites and since.snapshot_id != end.snapshot_id:
            steps.append(file_changes(table, since, end))
    except FileNotFoundError:  # it was retained when the table was loaded
        return None
    return steps if rewrites else None


def known_to(table: Table) -> History:
    """The history as it was when the table was loaded."""

    def find(snapshot_id: int) -> SnapshotEntry | None:
        found = table.metadata.snapshot_by_id(snapshot_id)
        return None if found is None else SnapshotEntry.of(found)

    return find


def _line(history: History, start: SnapshotEntry, end: SnapshotEntry) -> list[SnapshotEntry]:
    """The snapshots from ``start`` to ``end``, both included; none if one is missing."""
    line = [end]
    while line[-1].snapshot_id != start.snapshot_id:
        parent_id = line[-1].parent_snapshot_id
        parent = None if parent_id is None else history(parent_id)
        if parent is None:
            return []
        line.append(parent)
    return line[::-1]
