"""What a commit asks of the catalog, in the words of the Iceberg REST specification.

The body of ``POST /v1/{prefix}/namespaces/{namespace}/tables/{table}`` (CommitTableRequest). It is
small, and stays so however long the table's history is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from shared.lake.table_state import MAIN, SnapshotEntry, TableState
from shared.lake.thinning import ThinningPlan

HOUR_TAG_MAX_AGE_MS = 8 * 24 * 3600 * 1000
"""Lets engines that expire references do what the thinning plan would have done."""


def commit_request(
    identifier: Sequence[str],
    state: TableState,
    snapshot: SnapshotEntry,
    properties: Mapping[str, str],
    history: ThinningPlan,
    ref: str = MAIN,
    source: str | None = None,
    ends: bool = False,
) -> bytes:
    """Add ``snapshot`` to the table of ``state``, move a branch to it, and thin the history.

    Args:
        identifier: namespace and name of the table.
        state: the table is asserted to be this one, and the branch to be at the head it has here.
        snapshot: what the branch moves to.
        properties: of the table, to be set.
        history: tags to be set or removed, and snapshots to be removed.
        ref: the branch that moves.
        source: another branch that is asserted to be at its head, too.
        ends: whether ``source`` is removed.
    """
    requirements: list[dict[str, Any]] = [
        {"type": "assert-table-uuid", "uuid": state.table_uuid},
        {
            "type": "assert-ref-snapshot-id",
            "ref": ref,
            "snapshot-id": state.head_id(ref),
        },
    ]
    if source is not None:
        asserted = {"ref": source, "snapshot-id": state.head_id(source)}
        requirements.append({"type": "assert-ref-snapshot-id", **asserted})
    updates: list[dict[str, Any]] = [
        {"action": "add-snapshot", "snapshot": snapshot},
        {
            "action": "set-snapshot-ref",
            "ref-name": ref,
            "type": "branch",
            "snapshot-id": snapshot.snapshot_id,
        },
    ]
    if properties:
        updates.append({"action": "set-properties", "updates": properties})
    if source is not None and ends:
        updates.append({"action": "remove-snapshot-ref", "ref-name": source})
    updates += [
        {
            "action": "set-snapshot-ref",
            "ref-name": name,
            "type": "tag",
            "snapshot-id": snapshot_id,
            "max-ref-age-ms": HOUR_TAG_MAX_AGE_MS,
        }
        for name, snapshot_id in history.tag
    ]
    updates += [{"action": "remove-snapshot-ref", "ref-name": name} for name in history.untag]
    if history.remove:
        updates.append({"action": "remove-snapshots", "snapshot-ids": history.remove})
    return msgspec.json.encode(
        {
            "identifier": {"namespace": identifier[:-1], "name": identifier[-1]},
            "requirements": requirements,
            "updates": updates,
        }
    )
