"""One table at one snapshot, read the way any reader would, and when each row became visible."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from shared.contracts.environment import Environment
from shared.lake.catalog import load


@dataclass(frozen=True, slots=True)
class TableCut:
    """A table pinned to the snapshot that was its head.

    Attributes:
        name: logical name.
        snapshot_id: ``None`` for a table without snapshots.
        rows: the chosen columns of a scan of that snapshot.
        visible: the key columns of every live data file, with the snapshot that added the file
            (``_snapshot_id``) and its commit time (``_committed_at``; null when thinned away).
    """

    name: str
    snapshot_id: int | None
    rows: pa.Table
    visible: pa.Table


def cut(
    catalog: RestCatalog,
    environment: Environment,
    name: str,
    columns: tuple[str, ...],
    keys: tuple[str, ...],
) -> TableCut:
    """Pin a table to its head and read it.

    Raises:
        NotFound: the catalog has no such table.
    """
    table = load(catalog, environment, name)
    head = table.current_snapshot()
    snapshot_id = None if head is None else head.snapshot_id
    scan = table.scan(selected_fields=columns, snapshot_id=snapshot_id)
    return TableCut(name, snapshot_id, scan.to_arrow(), _visible(table, head, keys))


def _visible(table: Table, head: Snapshot | None, keys: tuple[str, ...]) -> pa.Table:
    committed: dict[int | None, datetime] = {
        snapshot.snapshot_id: datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC)
        for snapshot in table.metadata.snapshots
    }
    parts = [_stamped(table.scan().to_arrow().schema.empty_table().select(keys), None, None)]
    for manifest in head.manifests(table.io) if head else ():
        for entry in manifest.fetch_manifest_entry(table.io):
            with table.io.new_input(entry.data_file.file_path).open() as file:
                rows = pq.read_table(file, columns=list(keys))
            parts.append(_stamped(rows, entry.snapshot_id, committed.get(entry.snapshot_id)))
    return pa.concat_tables(parts, promote_options="permissive")


def _stamped(rows: pa.Table, snapshot_id: int | None, moment: datetime | None) -> pa.Table:
    stamps = {
        "_snapshot_id": pa.scalar(snapshot_id, pa.int64()),
        "_committed_at": pa.scalar(moment, pa.timestamp("us", "UTC")),
    }
    for name, value in stamps.items():
        rows = rows.append_column(name, pa.repeat(value, rows.num_rows))
    return rows
