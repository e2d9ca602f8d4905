"""What a snapshot says of itself besides our own entries: what came, what went, what there is."""

from __future__ import annotations

from collections.abc import Iterable

from pyiceberg.manifest import DataFile
from pyiceberg.table import TableProperties
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import (
    Operation,
    SnapshotSummaryCollector,
    Summary,
    update_snapshot_summaries,
)
from pyiceberg.utils.properties import property_as_int

from shared.lake.decisions import Change
from shared.lake.table_state import SnapshotEntry


def snapshot_summary(
    metadata: TableMetadata,
    change: Change,
    removed: Iterable[DataFile],
    parent: SnapshotEntry | None,
) -> dict[str, str]:
    """Ours, what the change adds and removes, and the totals after it.

    As the Iceberg specification has it under "Optional Snapshot Summary Fields".

    Args:
        metadata: of the table.
        change: what is done.
        removed: the data and delete files that leave.
        parent: the snapshot that the change builds on.
    """
    limit = property_as_int(
        metadata.properties,
        TableProperties.WRITE_PARTITION_SUMMARY_LIMIT,
        TableProperties.WRITE_PARTITION_SUMMARY_LIMIT_DEFAULT,
    )
    collector = SnapshotSummaryCollector(limit or 0)
    schema, specs = metadata.schema(), metadata.specs()
    for file in (*change.delta.added, *change.delta.deletes):
        collector.add_file(file, schema, specs[file.spec_id])
    for file in removed:
        collector.remove_file(file, schema, specs[file.spec_id])
    # The library counts all alike, but knows no replacement.
    counted = Operation.OVERWRITE if change.operation is Operation.REPLACE else change.operation
    made = update_snapshot_summaries(
        Summary(counted, **collector.build(), **change.summary), parent.summary if parent else {}
    )
    return {"operation": change.operation.value, **made.additional_properties}
