"""One partition's log in memory, and all logs that ever stood under its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from services.stream_writer.landing import tail_of
from services.stream_writer.partition_batch import PartitionBatch, PartitionKey
from shared.lake.log_identity import Found, LogBounds
from shared.tables.raw.landing import landing_table
from shared.tables.spec import Type

TOPIC = "shop.events"
EVENTS = landing_table("raw.events", TOPIC, "The table that is explored.", ((Type.LONG, "id"),))
BAD = 5
"""Every such record cannot be parsed."""
GAPS = frozenset({3, 7, 8})
"""Offsets, modulo 11, that hold no record. The same in every log under a name: a tail whose offset
holds none any more cannot be compared, which is a limit that the documents state."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record as a consumer delivers it; ``serial`` tells it from every other one."""

    offset: int
    timestamp: int
    serial: int
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def bad(self) -> bool:
        """Whether it cannot be parsed."""
        return self.serial % BAD == 0


@dataclass(slots=True)
class Incarnation:
    """One log: what it ever held, at its offsets; ``None`` where it holds no record."""

    slots: list[LogRecord | None] = field(default_factory=list)
    start: int = 0
    """First offset that it still holds."""
    fork: int | None = None
    """Up to where it is the same as all logs before it; ``None`` for the first one."""

    def holds(self, first: int, end: int, records: Sequence[LogRecord]) -> bool:
        """Whether it ever held exactly these records at the offsets from ``first`` to ``end``."""
        held = [record for record in self.slots[first:end] if record is not None]
        return end <= len(self.slots) and held == list(records)


class OffsetOutOfRange(Exception):
    """The log does not hold the position of a fetch."""


class TopicLog:
    """A partition; the last incarnation is the present one."""

    def __init__(self, key: PartitionKey, serials: count[int]) -> None:
        self.key = key
        self._serials = serials
        self.incarnations = [Incarnation()]

    @property
    def now(self) -> Incarnation:
        """The present log."""
        return self.incarnations[-1]

    @property
    def number(self) -> int:
        """Which incarnation the present log is."""
        return len(self.incarnations) - 1

    @property
    def bounds(self) -> LogBounds:
        """First offset held, next one to be written."""
        return LogBounds(self.now.start, len(self.now.slots))

    def append(self, slots: int, clock_ms: int) -> None:
        """Write so many offsets."""
        log = self.now.slots
        for _ in range(slots):
            if len(log) % 11 in GAPS:
                log.append(None)
                continue
            serial = next(self._serials)
            log.append(
                LogRecord(len(log), clock_ms, serial, (("delivery_id", b"delivery-%d" % serial),))
            )

    def trim(self, records: int) -> None:
        """Retention removes the oldest offsets.

        Never what tells a log from the one before it: one made anew and trimmed that far before it
        is compared with the table is not recognised, which the documents state as a limit.
        """
        log = self.now
        most = len(log.slots) if log.fork is None else max(log.start, log.fork)
        log.start = min(log.start + records, most)

    def lose_tail(self, records: int) -> None:
        """The broker loses the newest offsets; others will stand there."""
        kept = max(self.now.start, len(self.now.slots) - records)
        fork = kept if self.now.fork is None else min(kept, self.now.fork)
        self.incarnations.append(Incarnation(self.now.slots[:kept], self.now.start, fork))

    def recreate(self) -> None:
        """The topic is deleted and made again, empty."""
        self.incarnations.append(Incarnation(fork=0))

    def shared_with(self, number: int) -> int:
        """Up to which offset the present log is the same as an earlier one."""
        pairs = zip(self.incarnations[number].slots, self.now.slots, strict=False)
        return next((n for n, (a, b) in enumerate(pairs) if a is not b), 10**9)

    def fetch(self, position: int, most: int, generation: int) -> PartitionBatch | None:
        """At most so many offsets from ``position`` on; ``None`` at the log's end.

        Raises:
            OffsetOutOfRange: the log does not hold ``position``.
        """
        log = self.now
        end = min(position + most, len(log.slots))
        if not log.start <= position <= len(log.slots):
            raise OffsetOutOfRange
        if end <= position:
            return None
        records = [record for record in log.slots[position:end] if record is not None]
        highwater = len(log.slots)
        return PartitionBatch(
            *self.key, position, end, records, highwater, generation, 100 * len(records)
        )

    def record_at(self, offset: int) -> Found:
        """What stands at an offset.

        Raises:
            TimeoutError: the log has no such offset: a consumer waits there for nothing.
        """
        log = self.now
        if not log.start <= offset < len(log.slots):
            raise TimeoutError
        record = log.slots[offset]
        return Found(None if record is None else tail_of(record))
