"""What the last commit of each table says of it: rows, files, snapshots, and when it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shared.alerting.series import Labels, Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.alerting.signals.rhythm import Rhythm
from shared.contracts.event import Event
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMITS, TABLES
from shared.tables.lineage import Tables, layer

ROWS = "iceberg_table_row_count"
FILES = "iceberg_table_file_count"
SNAPSHOTS = "iceberg_table_snapshot_count"
LIMIT = "lakehouse_table_snapshot_limit"
LAST_COMMIT = "lakehouse_table_last_commit_timestamp_seconds"

DENSE_S = 120
MINUTES = 60
HOURS = 168
"""What thinning keeps: every snapshot of so many seconds, then the last of so many minutes, then
the last of so many hours."""
SLACK = 1.5
RARE = 50.0
"""Limit where commits are rarer than one an hour, unless what thinning keeps of them is more."""


class TableFigures(Following):
    """Figures of the declared tables, each from its last announced commit."""

    reads: ClassVar[frozenset[str]] = frozenset({COMMITS, TABLES})
    names = frozenset({ROWS, FILES, SNAPSHOTS, LIMIT, LAST_COMMIT})

    def __init__(self, tables: Tables) -> None:
        super().__init__()
        self._tables = tables
        self._last: dict[str, TableCommitted] = {}
        self._rhythms: dict[str, Rhythm] = {}

    def event(self, event: Event) -> frozenset[str]:
        """A commit, or the last state of a table."""
        if not isinstance(event, TableCommitted) or event.table not in self._tables:
            return NOTHING
        last = self._last.get(event.table)
        if last is None or last.uuid != event.uuid:
            self._rhythms[event.table] = Rhythm()
        elif event.sequence_number <= last.sequence_number:
            return NOTHING
        self._rhythms[event.table].happened(event.committed_at.timestamp())
        self._last[event.table] = event
        return self.names

    def gone(self, table: str) -> frozenset[str]:
        """A table is there no more: neither are its series."""
        self._rhythms.pop(table, None)
        return NOTHING if self._last.pop(table, None) is None else self.names

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """Figures that a commit does not tell have no series."""
        rows: dict[Labels, float] = {}
        files: dict[Labels, float] = {}
        snapshots: dict[Labels, float] = {}
        limit: dict[Labels, float] = {}
        last: dict[Labels, float] = {}
        for name, commit in self._last.items():
            series = labels(layer=layer(name), table=name)
            last[series] = commit.committed_at.timestamp()
            limit[series] = snapshot_limit(self._rhythms[name].shortest_gap_s)
            for vector, value in (
                (rows, commit.total_rows),
                (files, commit.total_files),
                (snapshots, commit.snapshots),
            ):
                if value is not None:
                    vector[series] = float(value)
        return {ROWS: rows, FILES: files, SNAPSHOTS: snapshots, LIMIT: limit, LAST_COMMIT: last}


def snapshot_limit(gap_s: float | None) -> float:
    """How many snapshots are too many.

    Half as many again as thinning leaves at most of commits so many seconds apart. While commits
    are rarer than one an hour that is their number in a week, and 50 are never too many. ``None``:
    it is not known how far apart they are.
    """
    if gap_s is None or gap_s <= 3600:
        return SLACK * (DENSE_S + MINUTES + HOURS)
    return max(RARE, SLACK * HOURS * 3600 / gap_s)
