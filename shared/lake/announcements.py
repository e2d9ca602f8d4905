"""Snapshots as TableCommitted events, and which of them are still to be announced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from shared.contracts.tables import Offsets, SourcePosition, TableCommitted
from shared.lake.commit import KEY_COMMIT, KEY_WRITER
from shared.lake.positions import KEY_OFFSETS
from shared.lake.provenance import Provenance
from shared.lake.recorded import ancestors
from shared.lake.table_state import KEY_BRANCH, SnapshotEntry, TableState

KEY_ROWS = "bergline.rows"
KEY_ERRORS = "bergline.errors"
KEY_RECEIVED = "bergline.received"
"""When the oldest delivery was accepted that a snapshot added."""
KEY_REPEATS = "bergline.repeats"
"""Records that say what a row says already; their offsets are gaps."""


def table_committed(table: str, state: TableState, snapshot: SnapshotEntry) -> TableCommitted:
    """The event that announces ``snapshot`` of the logical table ``table``."""
    summary = snapshot.summary
    built = Provenance.from_summary(summary)
    total_files = summary.get("total-data-files")
    total_bytes = summary.get("total-files-size")
    received = summary.get(KEY_RECEIVED)
    return TableCommitted(
        table=table,
        uuid=state.table_uuid,
        snapshot_id=snapshot.snapshot_id,
        parent_snapshot_id=snapshot.parent_snapshot_id,
        sequence_number=snapshot.sequence_number,
        operation=summary.get("operation", "append"),
        committed_at=datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
        writer=summary.get(KEY_WRITER),
        commit_id=summary.get(KEY_COMMIT),
        offsets=json.loads(summary.get(KEY_OFFSETS, "{}")),
        sources={} if built is None else _sources(built),
        complete={} if built is None else _complete(built),
        added_rows=int(summary.get("added-records", 0)),
        added_bytes=int(summary.get("added-files-size", 0)),
        added_files=int(summary.get("added-data-files", 0)),
        errors=int(summary.get(KEY_ERRORS, 0)),
        total_rows=_total_rows(summary),
        total_files=None if total_files is None else int(total_files),
        total_bytes=None if total_bytes is None else int(total_bytes),
        snapshots=len(state.snapshots),
        oldest_received_at=None if received is None else datetime.fromisoformat(received),
    )


def unannounced(table: str, state: TableState, after: int) -> list[TableCommitted]:
    """Events of what was the head of ``main`` above sequence number ``after``, oldest first.

    Those are the retained ancestors of the head, without what was committed to a branch. After a
    rollback the head may stand below ``after``: then there is nothing to announce until the next
    commit, whose sequence number is higher again: Iceberg reuses none, unless the catalog came
    back from a backup. Commits under a number that was announced before are not found then.
    """
    waiting = [
        s for s in ancestors(state) if s.sequence_number > after and KEY_BRANCH not in s.summary
    ]
    return [table_committed(table, state, snapshot) for snapshot in reversed(waiting)]


def _sources(built: Provenance) -> dict[str, SourcePosition]:
    return {
        name: SourcePosition(
            uuid=cut.uuid, snapshot_id=cut.snapshot_id, sequence_number=cut.sequence_number
        )
        for name, cut in built.sources.items()
    }


def _complete(built: Provenance) -> Offsets:
    complete: Offsets = {}
    for (topic, partition), offset in built.complete.items():
        complete.setdefault(topic, {})[partition] = offset
    return complete


def _total_rows(summary: Mapping[str, str]) -> int | None:
    """Rows that readers see: those in data files without those at deleted positions."""
    if "total-records" not in summary or int(summary.get("total-equality-deletes", 0)):
        return None
    return int(summary["total-records"]) - int(summary.get("total-position-deletes", 0))
