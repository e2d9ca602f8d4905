"""The broker as one table's stream sees it: logs, and what is fetched of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from services.stream_writer.landing import tail_of
from services.stream_writer.partition_batch import PartitionBatch, PartitionKey
from shared.lake.log_identity import Found, LogBounds
from shared.lake.position import Tail
from tests.support.batches import batch, record


class Group:
    """Logs of one topic's partitions, delivered to ``take`` as far as they flow."""

    def __init__(self, take: Callable[[PartitionBatch], None]) -> None:
        self._take = take
        self.ends: dict[PartitionKey, int] = {}
        self.generation = 1
        self.positions: dict[PartitionKey, int] = {}
        """Where each partition is fetched next; only of those that were sought."""
        self.paused: set[PartitionKey] = set()
        self.stored: dict[PartitionKey, int] = {}

    def deliver(self, most: int = 10) -> None:
        """One fetch: at most so many records of every partition that flows."""
        for key, position in sorted(self.positions.items()):
            end = min(self.ends[key], position + most)
            if key in self.paused or end <= position:
                continue
            self.positions[key] = end
            self._take(batch(position, end, key[1], generation=self.generation))

    async def bounds(self, keys: Iterable[PartitionKey]) -> dict[PartitionKey, LogBounds]:
        return {key: LogBounds(0, self.ends[key]) for key in keys}

    async def record_at(self, key: PartitionKey, offset: int) -> Found:
        found: Tail = tail_of(record(key[1], offset))
        return Found(found)

    async def flow(self, key: PartitionKey, offset: int) -> bool:
        self.positions[key] = offset
        self.paused.discard(key)
        return True

    def pause(self, keys: Iterable[PartitionKey]) -> None:
        self.paused |= set(keys)

    def resume(self, keys: Iterable[PartitionKey]) -> None:
        self.paused -= set(keys)

    def commit(self, offsets: Mapping[PartitionKey, int]) -> None:
        self.stored.update(offsets)
