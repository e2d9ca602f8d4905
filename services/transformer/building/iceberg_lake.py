"""What one build sees: all tables at one moment, rows at snapshots.

A table's state is loaded once a build, when it is first asked for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import polars as pl

from services.transformer.building.tables import Tables
from services.transformer.framework.frames import schema
from services.transformer.framework.lake import SourceHead, TargetHead
from shared.lake.provenance import SourceCut, completeness, traced
from shared.lake.reading.changes import RowChanges, changes
from shared.lake.reading.columns import Columns
from shared.lake.reading.keys import Keys
from shared.lake.reading.live_files import live_files
from shared.lake.reading.portions import appended_portions, portions
from shared.lake.reading.pruning import pruned
from shared.lake.reading.read_stats import ReadStats
from shared.lake.reading.scan import scan
from shared.lake.table_state import MAIN, SnapshotEntry, TableState
from shared.lake.thinning import lasting

REPLACE = "replace"
"""Operation of a snapshot that moved rows and changed none (Iceberg spec, "Snapshots")."""

LARGE_ROWS = 100_000
"""Reading more rows may take longer than every snapshot of a table is kept."""


class IcebergLake:
    """The tables of one build, as they stand when each is first asked for.

    Args:
        tables: the way to them.
        ref: the branch of the target that is built.
        patient: large inputs are read where they stood a moment ago, at a snapshot that is kept
            for an hour, not at the newest one, which may be gone when a long build records it.

    Attributes:
        stats: what all reads of this build took.
    """

    def __init__(self, tables: Tables, ref: str = MAIN, *, patient: bool = False) -> None:
        self.stats = ReadStats()
        self._tables = tables
        self._ref = ref
        self._patient = patient
        self._states: dict[str, TableState] = {}

    def state(self, table: str) -> TableState:
        """The state of a table that this build goes by."""
        if table not in self._states:
            self._states[table] = self._tables.state(table)
        return self._states[table]

    def source(self, table: str) -> SourceHead | None:
        """Where an input stands on ``main``, or stood a moment ago."""
        state = self.state(table)
        head = state.current_snapshot()
        if head is None:
            return None
        if self._patient and int(head.summary.get("total-records", 0)) >= LARGE_ROWS:
            head = lasting(state, int(time.time() * 1000)) or head
        cut = SourceCut(state.table_uuid, head.snapshot_id, head.sequence_number)
        return SourceHead(cut, completeness(state, head.snapshot_id))

    def target(self, table: str) -> TargetHead:
        """Where the target stands on the branch that is built."""
        state = self.state(table)
        found = traced(state, self._ref)
        foreign = any(each.summary.get("operation") != REPLACE for each in found.foreign)
        return TargetHead(state.head_id(self._ref), found.provenance, foreign)

    def readable(self, table: str, cut: SourceCut) -> bool:
        """Whether that snapshot is retained."""
        state = self.state(table)
        return state.table_uuid == cut.uuid and cut.snapshot_id in state.by_id

    def empty(self, table: str, columns: Sequence[str]) -> pl.DataFrame:
        """No rows of an input."""
        return schema(self._tables.specs[table], columns).to_frame()

    def changes(
        self, table: str, start: SourceCut | None, end: SourceCut, columns: Sequence[str]
    ) -> RowChanges:
        """What came and went between two snapshots of an input."""
        found = changes(
            self._tables.handle(table).table,
            None if start is None else self._snapshot(table, start.snapshot_id),
            self._snapshot(table, end.snapshot_id),
            added=columns,
            removed=columns,
            history=self.state(table).snapshot_by_id,
        )
        self.stats.files += found.stats.files
        self.stats.bytes += found.stats.bytes
        self.stats.rows += found.stats.rows
        return found

    def appended(
        self, table: str, start: SourceCut | None, end: SourceCut, columns: Sequence[str]
    ) -> Iterator[pl.DataFrame] | None:
        """What came between two snapshots of an input, if nothing else happened."""
        return appended_portions(
            self._tables.handle(table).table,
            None if start is None else self._snapshot(table, start.snapshot_id),
            self._snapshot(table, end.snapshot_id),
            columns,
            stats=self.stats,
        )

    def scan(
        self, table: str, cut: SourceCut, columns: Sequence[str], keys: Keys, *, located: bool
    ) -> pl.DataFrame:
        """The rows of an input that are wanted."""
        return scan(
            self._tables.handle(table).table,
            self._snapshot(table, cut.snapshot_id),
            columns,
            keys=keys,
            located=located,
            stats=self.stats,
        )

    def reach(self, table: str, cut: SourceCut, keys: Keys) -> int:
        """How many rows the files have that may hold what is wanted."""
        loaded = self._tables.handle(table).table
        files = live_files(loaded, self._snapshot(table, cut.snapshot_id)).data.values()
        found = pruned(Columns.of(loaded, keys.columns()), files, keys)
        return sum(each.file.record_count for each in found)

    def chunks(self, table: str, cut: SourceCut, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """All rows of an input, a portion at a time."""
        return portions(
            self._tables.handle(table).table,
            self._snapshot(table, cut.snapshot_id),
            columns,
            stats=self.stats,
        )

    def height(self, table: str, snapshot_id: int) -> int:
        """How many rows the files of a snapshot have."""
        live = live_files(self._tables.handle(table).table, self._snapshot(table, snapshot_id))
        return sum(each.file.record_count for each in live.data.values())

    def located(
        self, table: str, snapshot_id: int, columns: Sequence[str]
    ) -> Iterator[pl.DataFrame]:
        """All rows of the target and where they are, a portion at a time."""
        return portions(
            self._tables.handle(table).table,
            self._snapshot(table, snapshot_id),
            columns,
            located=True,
            stats=self.stats,
        )

    def stored(
        self,
        table: str,
        snapshot_id: int | None,
        keys: Keys | None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Rows of the target, and where they are."""
        return scan(
            self._tables.handle(table).table,
            None if snapshot_id is None else self._snapshot(table, snapshot_id),
            list(schema(self._tables.specs[table]) if columns is None else columns),
            keys=keys,
            located=True,
            stats=self.stats,
        )

    def _snapshot(self, table: str, snapshot_id: int) -> SnapshotEntry:
        return self.state(table).by_id[snapshot_id]
