"""What is known of one event: every delivery, on its topic and in its table.

Pure data, so that the command line, tests and the demonstration read the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The snapshot that holds a row.

    Attributes:
        exact: whether it is the very one that added the row. Otherwise that one was thinned away,
            this is the first retained one after it, and ``committed_at`` is an upper bound.
    """

    snapshot_id: int
    sequence_number: int
    committed_at: datetime
    writer: str | None
    commit_id: str | None
    exact: bool


@dataclass(frozen=True, slots=True)
class Row:
    """The row of a delivery.

    Attributes:
        loaded_at: when its commit was prepared.
        error: why the record could not be parsed, ``None`` when it could.
        drift: columns whose value did not fit.
        replayed: whether it is a repetition of ours, not of the vendor.
        replayed_from: the dead letter in whose place an operator sent the record.
        snapshot: ``None`` when the row is there but no retained snapshot tells its position.
    """

    table: str
    key: str | None
    loaded_at: datetime
    error: str | None
    drift: str | None
    replayed: bool
    snapshot: Snapshot | None
    replayed_from: str | None = None


@dataclass(frozen=True, slots=True)
class DerivedRow:
    """A row of a derived table that a record led to, as it is now.

    Attributes:
        key: its key as text.
        won: in a table that keeps one version per key: whether this event's version is the one
            kept; ``None`` elsewhere.
        event_id: the event whose version is kept, where the table tells.
        rule: which rule refused the record, in a quarantine table.
    """

    key: Mapping[str, str | None]
    won: bool | None = None
    event_id: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class DerivedHop:
    """A derived table on the way of a record.

    Attributes:
        snapshot: from which on the table contains what the record gave; ``None`` when it does not
            yet, or was never built.
        complete: next offset of the record's partition up to which the table is complete.
        sought: keys that the record led to here, whole or in part.
        rows: what stands under them; none when the record gave no row, or a table above has none.
        quarantine: whether it holds what was refused, so that no row is good news.
    """

    table: str
    snapshot: Snapshot | None
    complete: int | None
    sought: tuple[Mapping[str, str | None], ...]
    rows: tuple[DerivedRow, ...]
    quarantine: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One accepted delivery.

    Attributes:
        offset: with topic and partition the identity of the record.
        timestamp: when the record was produced, as the broker keeps it.
        on_topic: whether the log still holds the record; ``None`` when it was not looked at.
        row: ``None`` while no snapshot holds it.
        table_next: the recorded position of the table, when there is no row yet.
        derived: every table built from the row's, in the order of building.
    """

    event_id: str | None
    delivery_id: str | None
    event_type: str | None
    source: str | None
    topic: str
    partition: int
    offset: int
    received_at: datetime | None
    timestamp: datetime | None
    on_topic: bool | None
    row: Row | None
    table_next: int | None = None
    derived: tuple[DerivedHop, ...] = ()

    @property
    def to_broker(self) -> timedelta | None:
        """From acceptance to the topic."""
        return _between(self.received_at, self.timestamp)

    @property
    def to_prepared(self) -> timedelta | None:
        """From the topic to the preparation of the commit."""
        return _between(self.timestamp, self.row.loaded_at if self.row else None)

    @property
    def to_committed(self) -> timedelta | None:
        """From the preparation to the snapshot; an upper bound when the snapshot is not exact."""
        snapshot = self.row.snapshot if self.row else None
        if self.row is None or snapshot is None:
            return None
        return _between(self.row.loaded_at, snapshot.committed_at)

    @property
    def end_to_end(self) -> timedelta | None:
        """From acceptance to the snapshot; an upper bound when the snapshot is not exact."""
        snapshot = self.row.snapshot if self.row else None
        return _between(self.received_at, snapshot.committed_at if snapshot else None)

    @property
    def through(self) -> timedelta | None:
        """From acceptance to the last derived table; ``None`` until all contain it.

        An upper bound when a snapshot on the way is not exact.
        """
        snapshots = [hop.snapshot for hop in self.derived]
        held = [each.committed_at for each in snapshots if each is not None]
        if not snapshots or len(held) < len(snapshots):
            return None
        return _between(self.received_at, max(held))


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything found of one event id or delivery id.

    Attributes:
        deliveries: in the order in which they were accepted.
        searched: what was looked through, in words.
        complete: false when time ran out before everything was looked through.
    """

    event_id: str
    deliveries: tuple[Delivery, ...]
    searched: tuple[str, ...]
    complete: bool

    @property
    def landed(self) -> bool:
        """Whether something was found and every delivery has a row in a snapshot."""
        return bool(self.deliveries) and all(each.row is not None for each in self.deliveries)


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    return None if start is None or end is None else end - start
