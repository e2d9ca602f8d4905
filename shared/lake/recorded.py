"""Find the positions of a table: the nearest ancestor of its head that carries them.

A foreign engine's DELETE or OPTIMIZE writes a head without our summary keys; the positions of
the snapshot below it still hold. Histories are thinned, so a parent may be missing: then the
mirrored table property counts, but only if it belongs to exactly the missing parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.lake.positions import Positions
from shared.lake.table_state import MAIN, SnapshotEntry, TableState


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


def recorded(state: TableState, ref: str = MAIN) -> Recorded:
    """The positions that hold at the head of a branch of ``state``."""
    head = state.head(ref)
    if head is None:
        # A mirror without a snapshot means that history was removed under us.
        mirror = Positions.from_mirror(state.properties)
        return Recorded(None if mirror else Positions())
    snapshot: SnapshotEntry | None = head
    foreign = 0
    while snapshot is not None:
        found = Positions.from_summary(snapshot.summary)
        if found is not None:
            return Recorded(found, snapshot.snapshot_id, foreign)
        foreign += 1
        parent = snapshot.parent_snapshot_id
        if parent is None:
            return Recorded(None, None, foreign)
        snapshot = state.snapshot_by_id(parent)
        if snapshot is None:
            mirror = Positions.from_mirror(state.properties)
            if mirror is not None and mirror[0] == parent:
                return Recorded(mirror[1], parent, foreign)
    return Recorded(None, None, foreign)


def ancestors(state: TableState, ref: str = MAIN) -> Iterator[SnapshotEntry]:
    """Retained ancestors of the head of a branch, newest first, head included.

    The walk ends at the first parent that was thinned away.
    """
    snapshot = state.head(ref)
    while snapshot is not None:
        yield snapshot
        parent = snapshot.parent_snapshot_id
        snapshot = None if parent is None else state.snapshot_by_id(parent)
