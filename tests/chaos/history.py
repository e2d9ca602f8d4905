"""Snapshots of the landing tables, looked at during a run: histories are thinned."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pyarrow as pa
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from shared.runtime.settings import Settings
from shared.tables.registry import landing_tables
from tests.chaos.plain_catalog import PlainTables


class History:
    """Every snapshot that was seen: histories are thinned, so they are looked at during the run."""

    def __init__(self, settings: Settings) -> None:
        self._environment = settings.environment
        self._tables = PlainTables(settings)
        self._looked_at: dict[str, Table] = {}
        self._seen: dict[tuple[str, int], Snapshot] = {}
        self.heads: dict[tuple[str, int], int] = {}
        """(topic, partition) → next offset, at the heads as they were last looked at."""

    def look(self, names: Collection[str] | None = None) -> dict[str, Table]:
        """Note the snapshots retained now, of some tables or of all; the tables as they are."""
        tables = {}
        for spec in landing_tables():
            if names is not None and spec.name not in names:
                continue
            table = self._tables.load(self._environment.table(spec.name))
            tables[spec.name] = table
            if table is self._looked_at.get(spec.name):
                continue
            for snapshot in table.metadata.snapshots:
                self._seen[spec.name, snapshot.sequence_number or 0] = snapshot
            if (head := table.current_snapshot()) is not None:
                for topic, partitions in _offsets(head).items():
                    self.heads |= {(topic, int(number)): at for number, at in partitions.items()}
            self._looked_at[spec.name] = table
        return tables

    def snapshots(self) -> pa.Table:
        """As the audit wants them."""
        return arrow_table(
            (
                {
                    "table_name": name,
                    "sequence": sequence,
                    "snapshot_id": snapshot.snapshot_id,
                    "parent_id": snapshot.parent_snapshot_id,
                    "operation": _operation(snapshot),
                    "added_rows": int(_summary(snapshot).get("added-records", 0)),
                    "deleted_rows": int(_summary(snapshot).get("deleted-records", 0)),
                    "total_rows": int(_summary(snapshot).get("total-records", 0)),
                    "committed_ms": snapshot.timestamp_ms,
                }
                for (name, sequence), snapshot in sorted(self._seen.items())
            ),
            table_name=pa.utf8(),
            sequence=pa.int64(),
            snapshot_id=pa.int64(),
            parent_id=pa.int64(),
            operation=pa.utf8(),
            added_rows=pa.int64(),
            deleted_rows=pa.int64(),
            total_rows=pa.int64(),
            committed_ms=pa.int64(),
        )

    def positions(self) -> pa.Table:
        """What each snapshot says of how far its inputs are consumed."""
        return arrow_table(
            (
                {
                    "table_name": name,
                    "sequence": sequence,
                    "topic": topic,
                    "partition": int(partition),
                    "next": next_offset,
                }
                for (name, sequence), snapshot in sorted(self._seen.items())
                for topic, partitions in _offsets(snapshot).items()
                for partition, next_offset in partitions.items()
            ),
            table_name=pa.utf8(),
            sequence=pa.int64(),
            topic=pa.utf8(),
            partition=pa.int64(),
            next=pa.int64(),
        )


def arrow_table(records: Iterable[Mapping[str, Any]], **types: pa.DataType) -> pa.Table:
    """Records as a table of these columns."""
    return pa.Table.from_pylist(list(records), schema=pa.schema(list(types.items())))


def _summary(snapshot: Snapshot) -> Mapping[str, str]:
    return snapshot.summary.additional_properties if snapshot.summary else {}


def _operation(snapshot: Snapshot) -> str:
    return snapshot.summary.operation.value if snapshot.summary else ""


def _offsets(snapshot: Snapshot) -> Mapping[str, Mapping[str, int]]:
    found: Mapping[str, Mapping[str, int]] = json.loads(
        _summary(snapshot).get("bergline.offsets", "{}")
    )
    return found
