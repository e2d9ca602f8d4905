"""What a derived table is built from: every snapshot of it says so in its own summary.

Result and origin are one atomic commit, as with the positions of landing tables:

- ``bergline.sources``: ``{logical table: {uuid, snapshot, sequence}}``, the cut of every input;
- ``bergline.transform``: declared version and code hash of the function that built it;
- ``bergline.as_of``: the business date, for tables whose result depends on it;
- ``bergline.complete``: ``{topic: {partition: offset}}``, up to where the table holds everything.

The property ``bergline.provenance`` repeats them with the snapshot that they belong to, for
histories whose parents are thinned away. It is another one than the mirror of a landing table's
positions, so neither is taken for the other. Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

import msgspec

from shared.lake.positions import FORMAT, KEY_FORMAT, PartitionKey, Positions
from shared.lake.table_state import MAIN, SnapshotEntry, TableState

KEY_SOURCES = "bergline.sources"
KEY_TRANSFORM = "bergline.transform"
KEY_AS_OF = "bergline.as_of"
KEY_COMPLETE = "bergline.complete"
PROVENANCE_PROPERTY = "bergline.provenance"
"""Table property that repeats the provenance of the last snapshot of ours, with its id."""

Complete = Mapping[PartitionKey, int]
"""(logical topic, partition) → offset up to which a table holds what came before it."""


@dataclass(frozen=True, slots=True)
class SourceCut:
    """Up to where one input was read: a snapshot of one table."""

    uuid: str
    snapshot_id: int
    sequence_number: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a snapshot of a derived table is built from.

    Attributes:
        sources: logical table → its cut.
        transform: declared version and code hash, for example ``1:3f9a…``.
        as_of: business date of a ticked table, ``None`` for others.
        complete: up to where the table holds its topics' records; the least of its inputs.
    """

    sources: Mapping[str, SourceCut]
    transform: str
    as_of: date | None = None
    complete: Complete = field(default_factory=lambda: MappingProxyType({}))

    def to_summary(self) -> dict[str, str]:
        """Snapshot summary entries."""
        sources = {
            name: {"uuid": cut.uuid, "snapshot": cut.snapshot_id, "sequence": cut.sequence_number}
            for name, cut in sorted(self.sources.items())
        }
        complete: dict[str, dict[str, int]] = {}
        for (topic, partition), offset in sorted(self.complete.items()):
            complete.setdefault(topic, {})[str(partition)] = offset
        summary = {
            KEY_FORMAT: str(FORMAT),
            KEY_SOURCES: _dump(sources),
            KEY_TRANSFORM: self.transform,
            KEY_COMPLETE: _dump(complete),
        }
        return summary if self.as_of is None else {**summary, KEY_AS_OF: self.as_of.isoformat()}

    @classmethod
    def from_summary(cls, summary: Mapping[str, str]) -> Provenance | None:
        """The provenance that a snapshot carries; ``None`` when it carries none.

        Raises:
            ValueError: it is written in a newer format than this version reads.
        """
        if KEY_SOURCES not in summary or KEY_TRANSFORM not in summary:
            return None
        if int(summary.get(KEY_FORMAT, "0")) > FORMAT:
            raise ValueError(
                f"provenance is in format {summary[KEY_FORMAT]}, this version reads {FORMAT}"
            )
        as_of = summary.get(KEY_AS_OF)
        return cls(
            MappingProxyType(
                {
                    name: SourceCut(cut["uuid"], cut["snapshot"], cut["sequence"])
                    for name, cut in msgspec.json.decode(summary[KEY_SOURCES]).items()
                }
            ),
            summary[KEY_TRANSFORM],
            None if as_of is None else date.fromisoformat(as_of),
            MappingProxyType(
                {
                    (topic, int(partition)): offset
                    for topic, partitions in msgspec.json.decode(
                        summary.get(KEY_COMPLETE, "{}")
                    ).items()
                    for partition, offset in partitions.items()
                }
            ),
        )

    def to_mirror(self, snapshot_id: int) -> dict[str, str]:
        """Table property that repeats this for ``snapshot_id``."""
        mirror = {"snapshot": snapshot_id, "summary": self.to_summary()}
        return {PROVENANCE_PROPERTY: _dump(mirror)}

    @classmethod
    def from_mirror(cls, properties: Mapping[str, str]) -> tuple[int, Provenance] | None:
        """(snapshot id, provenance) of the table property; ``None`` when there is none."""
        text = properties.get(PROVENANCE_PROPERTY)
        if text is None:
            return None
        mirror = msgspec.json.decode(text)
        provenance = cls.from_summary(mirror["summary"])
        return None if provenance is None else (int(mirror["snapshot"]), provenance)


@dataclass(frozen=True, slots=True)
class Traced:
    """What a derived table says about its origin.

    Attributes:
        provenance: ``None`` for a table never built, or when it can no longer be found: then it
            has to be built in full.
        snapshot_id: the snapshot it belongs to; it may be thinned away.
        foreign: snapshots without it on top of that one, newest first: somebody else's changes.
    """

    provenance: Provenance | None
    snapshot_id: int | None = None
    foreign: tuple[SnapshotEntry, ...] = ()


def traced(state: TableState, ref: str = MAIN) -> Traced:
    """The provenance that holds at the head of ``ref``: of its nearest ancestor that carries one.

    Where the history is thinned the mirrored property counts, but only if it belongs to exactly
    the missing parent.
    """
    return traced_at(state, state.head(ref))


def traced_at(state: TableState, snapshot: SnapshotEntry | None) -> Traced:
    """The provenance that holds at a snapshot; as :func:`traced`."""
    foreign: list[SnapshotEntry] = []
    while snapshot is not None:
        found = Provenance.from_summary(snapshot.summary)
        if found is not None:
            return Traced(found, snapshot.snapshot_id, tuple(foreign))
        foreign.append(snapshot)
        parent = snapshot.parent_snapshot_id
        if parent is None:
            break
        snapshot = state.snapshot_by_id(parent)
        if snapshot is None:
            mirror = Provenance.from_mirror(state.properties)
            if mirror is not None and mirror[0] == parent:
                return Traced(mirror[1], parent, tuple(foreign))
    return Traced(None, None, tuple(foreign))


def completeness(state: TableState, snapshot_id: int) -> Complete:
    """Up to where a snapshot of any table of ours holds the records of the topics.

    Of a landing table these are its positions, of a derived one what it says itself. Empty when
    the nearest of its ancestors that is ours can no longer be found.
    """
    snapshot = state.snapshot_by_id(snapshot_id)
    number: int | None = snapshot_id
    while snapshot is not None:
        if (complete := _complete(snapshot.summary)) is not None:
            return complete
        number = snapshot.parent_snapshot_id
        snapshot = None if number is None else state.snapshot_by_id(number)
    for mirror in (
        Positions.from_mirror(state.properties),
        Provenance.from_mirror(state.properties),
    ):
        if mirror is not None and mirror[0] == number:
            return _of(mirror[1])
    return {}


def _complete(summary: Mapping[str, str]) -> Complete | None:
    found = Positions.from_summary(summary) or Provenance.from_summary(summary)
    return None if found is None else _of(found)


def _of(found: Positions | Provenance) -> Complete:
    if isinstance(found, Provenance):
        return found.complete
    return {key: position.next for key, position in found.partitions.items()}


def _dump(value: object) -> str:
    return msgspec.json.encode(value).decode()
