"""What the last commit of each table says of it: rows, files, snapshots, and when it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from shared.alerting.series import Labels, Vector, labels
from shared.alerting.signals.following import NOTHING, Following
from shared.alerting.signals.thinned import DENSE_S, Thinned
from shared.contracts.event import Event
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMITS, TABLES
from shared.tables.lineage import Tables, layer

ROWS = "iceberg_table_row_count"
FILES = "iceberg_table_file_count"
SNAPSHOTS = "iceberg_table_snapshot_count"
LIMIT = "lakehouse_table_snapshot_limit"
LAST_COMMIT = "lakehouse_table_last_commit_timestamp_seconds"

SLACK = 1.5
LEAST = 50.0
"""So many snapshots are never too many."""


class TableFigures(Following):
    """Figures of the declared tables, each from its last announced commit.

    Args:
        tables: declarations.
        dense_s: how long every snapshot of a landing table is kept.
    """

    reads: ClassVar[frozenset[str]] = frozenset({COMMITS, TABLES})
    names = frozenset({ROWS, FILES, SNAPSHOTS, LIMIT, LAST_COMMIT})

    def __init__(self, tables: Tables, dense_s: float = DENSE_S) -> None:
        super().__init__()
        self._tables = tables
        self._dense_s = dense_s
        self._last: dict[str, TableCommitted] = {}
        self._thinned: dict[str, Thinned] = {}

    def event(self, event: Event) -> frozenset[str]:
        """A commit, or the last state of a table."""
        if not isinstance(event, TableCommitted) or event.table not in self._tables:
            return NOTHING
        last = self._last.get(event.table)
        if last is None or last.uuid != event.uuid:
            derived = self._tables[event.table].derived is not None
            self._thinned[event.table] = Thinned(
                DENSE_S if derived else self._dense_s, whole=event.parent_snapshot_id is None
            )
        elif event.sequence_number <= last.sequence_number:
            return NOTHING
        self._thinned[event.table].committed(event.committed_at.timestamp())
        self._last[event.table] = event
        return self.names

    def gone(self, table: str) -> frozenset[str]:
        """A table is there no more: neither are its series."""
        self._thinned.pop(table, None)
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
            limit[series] = snapshot_limit(self._thinned[name].left)
            for vector, value in (
                (rows, commit.total_rows),
                (files, commit.total_files),
                (snapshots, commit.snapshots),
            ):
                if value is not None:
                    vector[series] = float(value)
        return {ROWS: rows, FILES: files, SNAPSHOTS: snapshots, LIMIT: limit, LAST_COMMIT: last}


def snapshot_limit(left: float) -> float:
    """How many snapshots are too many where thinning leaves so many: half as many again."""
    return max(LEAST, SLACK * left)
