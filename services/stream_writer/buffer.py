"""Fetched batches of one table that wait for their commit. Pure, bounded by who calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from services.stream_writer.chained import Chained
from services.stream_writer.partition_batch import PartitionBatch, PartitionKey
from shared.lake.position import Adoptions


class Verdict(Enum):
    """What became of a batch."""

    TAKEN = "taken"
    SEEN = "seen"
    """All of it is buffered or committed already."""
    HOLE = "hole"
    """It starts beyond what was expected: seek back and read again."""


@dataclass(slots=True)
class Work:
    """Contiguous batches per partition that go into one commit.

    Attributes:
        adoptions: what operators had stated about a partition's position when it was read: what
            was read before a later statement may be of another log.
    """

    batches: dict[PartitionKey, list[PartitionBatch]] = field(default_factory=dict)
    bytes: int = 0
    rows: int = 0
    adoptions: Mapping[PartitionKey, Adoptions] = field(default_factory=dict)

    def span(self, key: PartitionKey) -> tuple[int, int]:
        """Offsets ``[start, end)`` of one partition."""
        batches = self.batches[key]
        return batches[0].start, batches[-1].end

    def records(self, key: PartitionKey) -> Sequence[Any]:
        """All records of one partition, in order; made one by one when they are asked for."""
        return Chained([batch.records for batch in self.batches[key]])


class TableBuffer:
    """Batches of one table in arrival order, contiguous per partition.

    The next expected offset of a partition is set by :meth:`expect`, from the table; batches of
    a partition that was not set are not taken.
    """

    def __init__(self) -> None:
        self._expected: dict[PartitionKey, int] = {}
        self._work = Work()
        self.oldest: float | None = None

    @property
    def bytes(self) -> int:
        """Bytes that wait."""
        return self._work.bytes

    @property
    def rows(self) -> int:
        """Records that wait."""
        return self._work.rows

    def __bool__(self) -> bool:
        return bool(self._work.batches)

    def expect(self, key: PartitionKey, offset: int) -> None:
        """From now on the next batch of ``key`` begins at ``offset``; drop what waits of it."""
        self.drop(key)
        self._expected[key] = offset

    def expected(self, key: PartitionKey) -> int | None:
        """Where the next batch of a partition begins, ``None`` when none is taken."""
        return self._expected.get(key)

    def drop(self, key: PartitionKey) -> None:
        """Forget a partition and what waits of it."""
        self._expected.pop(key, None)
        for batch in self._work.batches.pop(key, []):
            self._work.bytes -= batch.bytes
            self._work.rows -= len(batch.records)
        if not self._work.batches:
            self.oldest = None

    def add(self, batch: PartitionBatch, now: float) -> Verdict:
        """Take a batch if it continues its partition; one that overlaps is taken whole.

        The overlap is cut off later, against the table's own position.
        """
        expected = self._expected.get(batch.key)
        if expected is None or batch.end <= expected:
            return Verdict.SEEN
        if batch.start > expected:
            return Verdict.HOLE
        if batch.start < expected and batch.key in self._work.batches:
            return Verdict.HOLE
        self._expected[batch.key] = batch.end
        self._work.batches.setdefault(batch.key, []).append(batch)
        self._work.bytes += batch.bytes
        self._work.rows += len(batch.records)
        if self.oldest is None:
            self.oldest = now
        return Verdict.TAKEN

    def take(self) -> Work:
        """Everything that waits; the buffer is empty afterwards."""
        work, self._work, self.oldest = self._work, Work(), None
        return work
