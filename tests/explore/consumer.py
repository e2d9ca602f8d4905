"""A member of the group: what it fetches, from where, and what its stream may ask of the broker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from services.stream_writer.partition_batch import PartitionBatch, PartitionKey
from shared.lake.log_identity import Found, LogBounds
from tests.explore.process import Process
from tests.explore.topic_log import OffsetOutOfRange


class Compares(Enum):
    """When the present log counts as compared with the table."""

    BOUNDS = "with its bounds"
    RECORD = "with the record at the tail"
    STALE = "not now"
    """What the worker knows of the table is older than what the table holds, or will hold."""


class Consumer:
    """A :class:`services.stream_writer.partitions.Partitions`."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._logs = process.world.logs
        self.generation = -1
        self.queue: list[PartitionBatch] = []
        """Fetched, not yet delivered."""
        self._assignment: set[PartitionKey] = set()
        self._positions: dict[PartitionKey, int] = {}
        self._paused: set[PartitionKey] = set()
        self._compared_with: dict[PartitionKey, Compares] = {}
        self._looked_at: dict[PartitionKey, int] = {}
        """Which incarnation of a log it last compared with the table, or fetched from."""

    def assign(self, keys: set[PartitionKey], generation: int) -> None:
        """These partitions are its own from now on; all are paused."""
        self.generation, self._assignment = generation, keys
        self._positions.clear()
        self._paused = set(keys)

    def fetch(self, key: PartitionKey, most: int) -> None:
        """Ask for records of a partition, if it is fetched at all.

        Raises:
            OffsetOutOfRange: the log does not hold the position.
        """
        position, log = self._positions.get(key), self._logs[key]
        if position is None or key in self._paused:
            return
        # A log made anew has not grown beyond the position before it was compared. One that is
        # quicker is noticed at the next comparison: a limit that the documents state.
        if position > log.shared_with(self._looked_at[key]):
            raise OffsetOutOfRange
        batch = log.fetch(position, most, self.generation)
        if batch is not None:
            self._looked_at[key] = log.number
            self._positions[key] = batch.end
            self.queue.append(batch)

    def _compared(self, key: PartitionKey) -> None:
        self._looked_at[key] = self._logs[key].number

    # -- what the stream asks for -------------------------------------------------------------

    async def bounds(self, keys: Iterable[PartitionKey]) -> dict[PartitionKey, LogBounds]:
        def look() -> dict[PartitionKey, LogBounds]:
            self._compared_with = {key: self.compares(key) for key in wanted}
            for key, now in self._compared_with.items():
                if now is Compares.BOUNDS or key not in self._looked_at:
                    self._compared(key)
            return {key: self._logs[key].bounds for key in wanted}

        wanted = list(keys)
        found: dict[PartitionKey, LogBounds] = await self._process.operation("bounds", look)
        return found

    def compares(self, key: PartitionKey) -> Compares:
        """What a look at the bounds of a log is good for, at this moment."""
        return Compares.BOUNDS

    async def record_at(self, key: PartitionKey, offset: int) -> Found:
        def look() -> Found:
            record = self._logs[key].record_at(offset)  # one that never comes compares nothing
            if self._compared_with.get(key) is Compares.RECORD:
                self._compared(key)
            return record

        found: Found = await self._process.operation("record", look)
        return found

    async def flow(self, key: PartitionKey, offset: int) -> bool:
        def seek() -> bool:
            if key not in self._assignment:
                return False
            self._positions[key] = offset
            self._paused.discard(key)
            return True

        flows: bool = await self._process.operation("flow", seek)
        return flows

    def pause(self, keys: Iterable[PartitionKey]) -> None:
        self._paused.update(keys)

    def resume(self, keys: Iterable[PartitionKey]) -> None:
        self._paused.difference_update(keys)

    def commit(self, offsets: Mapping[PartitionKey, int]) -> None:
        if not self._process.dead:
            self._process.world.store(offsets)
