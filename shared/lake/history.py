"""What a table's retained snapshots tell: versions, what each moved, which one held at a time.

Histories are thinned, so a snapshot's parent may be gone. A retained snapshot then counts as a
version of the present history when it is older than every ancestor that can still be walked to
and no other branch owns it. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from shared.lake.commit import KEY_COMMIT, KEY_WRITER
from shared.lake.positions import KEY_OFFSETS, PartitionKey
from shared.lake.provenance import KEY_COMPLETE
from shared.lake.recorded import ancestors
from shared.lake.table_state import KEY_BRANCH, MAIN, SnapshotEntry, TableState

Offsets = Mapping[PartitionKey, int]


class Standing(StrEnum):
    """How a retained snapshot relates to the head."""

    HEAD = "head"
    ANCESTOR = "ancestor"
    """Reached from the head by retained parents."""
    EARLIER = "earlier"
    """Older than the ancestors that can be walked to; what lies between was thinned away."""
    ASIDE = "aside"
    """Not a version of the present history: rolled back, or committed to a branch."""


@dataclass(frozen=True, slots=True)
class Version:
    """One retained snapshot.

    Attributes:
        foreign: written by something else than this platform.
        total_rows: as :func:`rows_of`.
        moved: per topic-partition the recorded position before and after; the position before is
            that of the version retained before this one, ``None`` when there is none.
        refs: tags and branches that name it.
    """

    snapshot_id: int
    parent_id: int | None
    sequence_number: int
    committed_at: datetime
    operation: str
    writer: str | None
    commit_id: str | None
    foreign: bool
    standing: Standing
    added_rows: int
    total_rows: int | None
    moved: Mapping[PartitionKey, tuple[int | None, int]]
    refs: tuple[str, ...]

    @property
    def in_history(self) -> bool:
        """Whether it is a version of the present history."""
        return self.standing is not Standing.ASIDE


@dataclass(frozen=True, slots=True)
class Covering:
    """The version that holds a record.

    Attributes:
        exact: whether it is the very snapshot that added the record; otherwise that one was
            thinned away and this is the first retained one after it.
    """

    version: Version
    exact: bool


def versions(state: TableState) -> list[Version]:
    """All retained snapshots, oldest first."""
    standing = standings(state)
    refs: dict[int, list[str]] = {}
    for name, ref in state.refs.items():
        refs.setdefault(ref.snapshot_id, []).append(name)
    found: list[Version] = []
    before: Offsets = {}
    for snapshot in sorted(state.snapshots, key=_sequence):
        summary = snapshot.summary
        place = standing[snapshot.snapshot_id]
        after = offsets_of(snapshot)
        moved = {
            key: (before.get(key), offset)
            for key, offset in sorted(after.items())
            if before.get(key) != offset
        }
        if after and place is not Standing.ASIDE:
            before = after
        found.append(
            Version(
                snapshot_id=snapshot.snapshot_id,
                parent_id=snapshot.parent_snapshot_id,
                sequence_number=_sequence(snapshot),
                committed_at=datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
                operation=summary.get("operation", "append"),
                writer=summary.get(KEY_WRITER) or summary.get("engine-name"),
                commit_id=summary.get(KEY_COMMIT),
                foreign=KEY_COMMIT not in summary,
                standing=place,
                added_rows=int(summary.get("added-records", 0)),
                total_rows=rows_of(summary),
                moved=moved,
                refs=tuple(sorted(refs.get(snapshot.snapshot_id, ()))),
            )
        )
    return found


def rows_of(summary: Mapping[str, str]) -> int | None:
    """Rows that a snapshot holds: its records without those that position deletes name.

    ``None`` when the summary does not tell.
    """
    records = summary.get("total-records")
    return None if records is None else int(records) - int(summary.get("total-position-deletes", 0))


def as_of(state: TableState, moment: datetime) -> Version | None:
    """The newest retained version of the present history that is not younger than ``moment``."""
    held = [v for v in versions(state) if v.in_history and v.committed_at <= moment]
    return held[-1] if held else None


def first_covering(
    state: TableState, key: PartitionKey, offset: int, not_before: datetime | None = None
) -> Covering | None:
    """The first retained version whose recorded position lies behind ``offset``.

    Args:
        state: the table.
        key: logical topic and partition.
        offset: the record.
        not_before: when the commit was prepared; tells incarnations of a recreated log apart.
    """
    previous: Version | None = None
    for version in versions(state):
        if not version.in_history:
            continue
        position = offsets_of(state.by_id[version.snapshot_id]).get(key)
        early = not_before is not None and version.committed_at < _millisecond(not_before)
        if position is not None and position > offset and not early:
            parent = None if previous is None else previous.snapshot_id
            return Covering(version, exact=version.parent_id == parent)
        previous = version
    return None


def offsets_of(snapshot: SnapshotEntry) -> dict[PartitionKey, int]:
    """The offsets that one snapshot carries: positions, or up to where a derived table is complete.

    Empty when it carries none.
    """
    summary = snapshot.summary
    recorded = json.loads(summary.get(KEY_OFFSETS) or summary.get(KEY_COMPLETE) or "{}")
    return {
        (topic, int(partition)): int(offset)
        for topic, partitions in recorded.items()
        for partition, offset in partitions.items()
    }


def standings(state: TableState) -> dict[int, Standing]:
    """How every retained snapshot relates to the head, by snapshot id."""
    chain = list(ancestors(state))
    walked = {snapshot.snapshot_id for snapshot in chain}
    oldest = _sequence(chain[-1]) if chain else 0
    broken = bool(chain) and chain[-1].parent_snapshot_id is not None
    elsewhere = _of_other_branches(state) - walked
    head = state.current_snapshot_id
    standing = {}
    for snapshot in state.snapshots:
        number = snapshot.snapshot_id
        if number == head:
            standing[number] = Standing.HEAD
        elif number in walked:  # wherever it was committed: an engine may move main to a branch
            standing[number] = Standing.ANCESTOR
        elif KEY_BRANCH in snapshot.summary:
            standing[number] = Standing.ASIDE
        elif broken and _sequence(snapshot) < oldest and number not in elsewhere:
            standing[number] = Standing.EARLIER
        else:
            standing[number] = Standing.ASIDE
    return standing


def _of_other_branches(state: TableState) -> set[int]:
    found: set[int] = set()
    for name, ref in state.refs.items():
        if ref.type != "branch" or name == MAIN:
            continue
        snapshot = state.snapshot_by_id(ref.snapshot_id)
        while snapshot is not None and snapshot.snapshot_id not in found:
            found.add(snapshot.snapshot_id)
            parent = snapshot.parent_snapshot_id
            snapshot = None if parent is None else state.snapshot_by_id(parent)
    return found


def _millisecond(moment: datetime) -> datetime:
    """Snapshots know milliseconds only, so a bound must not be finer."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _sequence(snapshot: SnapshotEntry) -> int:
    return snapshot.sequence_number
