"""Find the positions of a table: the nearest ancestor of its head that carries them.

A foreign engine's DELETE or OPTIMIZE writes a head without our summary keys; the positions of
the snapshot below it still hold. Histories are thinned, so a parent may be missing: then the
mirrored table property counts, but only if it belongs to exactly the missing parent.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from shared.lake.positions import Positions


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a table says about its progress.

    Attributes:
        positions: the positions; empty for a table without snapshots; ``None`` when the table
            has snapshots but no positions can be found: it must not be consumed.
        snapshot_id: the snapshot they belong to.
        foreign: number of foreign snapshots on top of it.
    """

    positions: Positions | None
    snapshot_id: int | None = None
    foreign: int = 0


def summary_of(snapshot: Snapshot) -> dict[str, str]:
    """All summary entries of a snapshot except the operation."""
    return dict(snapshot.summary.additional_properties) if snapshot.summary else {}


def recorded(metadata: TableMetadata) -> Recorded:
    """The positions that hold at the head of ``metadata``."""
    head = metadata.current_snapshot()
    mirror = Positions.from_mirror(metadata.properties)
    if head is None:
        # A mirror without a snapshot means that history was removed under us.
        return Recorded(None if mirror else Positions())
    by_id = {snapshot.snapshot_id: snapshot for snapshot in metadata.snapshots}
    snapshot: Snapshot | None = head
    foreign = 0
    while snapshot is not None:
        found = Positions.from_summary(summary_of(snapshot))
        if found is not None:
            return Recorded(found, snapshot.snapshot_id, foreign)
        foreign += 1
        parent = snapshot.parent_snapshot_id
        if parent is None:
            return Recorded(None, None, foreign)
        snapshot = by_id.get(parent)
        if snapshot is None and mirror is not None and mirror[0] == parent:
            return Recorded(mirror[1], parent, foreign)
    return Recorded(None, None, foreign)


def ancestors(metadata: TableMetadata) -> list[Snapshot]:
    """Retained ancestors of the head, newest first, head included.

    The walk ends at the first parent that was thinned away.
    """
    by_id = {snapshot.snapshot_id: snapshot for snapshot in metadata.snapshots}
    found: list[Snapshot] = []
    snapshot = metadata.current_snapshot()
    while snapshot is not None:
        found.append(snapshot)
        parent = snapshot.parent_snapshot_id
        snapshot = None if parent is None else by_id.get(parent)
    return found
