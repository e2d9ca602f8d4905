"""Stage an append snapshot with PyIceberg's writers, without letting PyIceberg commit it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.table.refs import MAIN_BRANCH, SnapshotRefType
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update import (
    AssertTableUUID,
    RemoveSnapshotRefUpdate,
    RemoveSnapshotsUpdate,
    SetPropertiesUpdate,
    SetSnapshotRefUpdate,
    TableRequirement,
    TableUpdate,
)
from pyiceberg.table.update.snapshot import _MergeAppendFiles

from shared.lake.positions import Positions
from shared.lake.table_state import TableState
from shared.lake.thinning import ThinningPlan

HOUR_TAG_MAX_AGE_MS = 8 * 24 * 3600 * 1000
"""Lets engines that expire references do what the thinning plan would have done."""


@dataclass(frozen=True, slots=True)
class StagedSnapshot:
    """Updates and requirements of a commit; manifests and manifest list are written already."""

    snapshot_id: int
    parent_snapshot_id: int | None
    updates: tuple[TableUpdate, ...]
    requirements: tuple[TableRequirement, ...]
    _producer: Any

    def discard(self) -> None:
        """Delete what was written. Only for an attempt that can never succeed any more."""
        self._producer._clean_all_uncommitted()


def stage_append(
    table: Table,
    state: TableState,
    files: Sequence[DataFile],
    summary: Mapping[str, str],
    positions: Positions,
    history: ThinningPlan,
) -> StagedSnapshot:
    """Write the manifests of an append on the table's present head and return what to send.

    The requirements assert the table's UUID and that ``main`` is still at that head; the updates
    add the snapshot, move ``main``, mirror the positions in a table property, and thin the
    history. Manifest merging follows the table's properties.
    """
    transaction = table.transaction()
    producer = _MergeAppendFiles(
        operation=Operation.APPEND,
        transaction=transaction,
        io=table.io,
        snapshot_properties=dict(summary),
        branch=MAIN_BRANCH,
    )
    for file in files:
        producer.append_data_file(file)
    updates, requirements = producer._commit()
    extra: list[TableUpdate] = [
        SetPropertiesUpdate(updates=positions.to_mirror(producer.snapshot_id))
    ]
    extra += [
        SetSnapshotRefUpdate(
            ref_name=name,
            type=SnapshotRefType.TAG,
            snapshot_id=snapshot_id,
            max_ref_age_ms=HOUR_TAG_MAX_AGE_MS,
            max_snapshot_age_ms=None,
            min_snapshots_to_keep=None,
        )
        for name, snapshot_id in history.tag
    ]
    extra += [RemoveSnapshotRefUpdate(ref_name=name) for name in history.untag]
    if history.remove:
        extra.append(RemoveSnapshotsUpdate(snapshot_ids=list(history.remove)))
    return StagedSnapshot(
        snapshot_id=producer.snapshot_id,
        parent_snapshot_id=state.current_snapshot_id,
        updates=(*updates, *extra),
        requirements=(AssertTableUUID(uuid=table.metadata.table_uuid), *requirements),
        _producer=producer,
    )
