"""Faust's consumer, delivering one event per fetched partition batch.

A Faust agent costs some hundred microseconds per event, so an event is a whole batch here: groups,
rebalances and agents stay Faust's, the records inside are handled in bulk. Differences to the stock
consumer, besides those of its thread (:mod:`services.stream_writer.batch_fetching`):

- every batch that was fetched is delivered, also when its partition was paused meanwhile;
- it never seeks to offsets stored in Kafka: every assigned partition stays paused until the
  service has settled, from the table, where it stands;
- Kafka commits happen aside;
- while no partition flows it looks again soon instead of sleeping for a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from faust.types.tuples import TP, ConsumerMessage

from services.stream_writer.batch_fetching import BatchConsumerThread

NOTHING_FLOWS_S = 0.02


class _NeverRead(dict[TP, int | None]):
    """What Faust remembers as read: nothing.

    It would drop a batch that ends before one delivered earlier, which is what a partition
    that was sought back delivers.
    """

    def __getitem__(self, _: TP) -> None:
        return None

    def __setitem__(self, _: TP, __: int | None) -> None:
        """Forgotten at once."""


class BatchConsumer(Consumer):
    """Consumer of a stream_writer worker. The service installs itself as ``listener``."""

    listener: ClassVar[Any] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _NeverRead()
        self._offsets: dict[TP, int] = {}
        self._storing: asyncio.Future[None] | None = None

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def partition_failed(self, tp: TP, error: Exception) -> None:
        """Called in the broker thread for a partition whose fetch failed for good."""
        self.loop.call_soon_threadsafe(self.listener.partition_failed, tp, error)

    def store_offsets(self, offsets: Mapping[TP, int]) -> None:
        """Store offsets in the group soon, for figures; the lake never waits for it."""
        self._offsets.update(offsets)
        if self._storing is None or self._storing.done():
            self._storing = asyncio.ensure_future(self._store())

    async def _store(self) -> None:
        while self._offsets:
            offsets, self._offsets = self._offsets, {}
            await self._thread.commit(offsets)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Faust asks for starting positions after every assignment: settle them from the tables."""
        self.pause_partitions(self.assignment())
        self.listener.assigned(self.assignment(), self.app.consumer_generation_id)
        return {}

    async def getmany(
        self,
        timeout: float,  # noqa: ASYNC109 - Faust's signature
    ) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """What was fetched, all of it.

        The stock method leaves out partitions that were paused since the fetch: their records
        would be skipped, because the consumer's position is already beyond them. While no
        partition flows it would also sleep for a second; the first rows need not wait that long.
        """
        if self.flow_active and not self._get_active_partitions():
            await self.sleep(NOTHING_FLOWS_S)
            return
        records, _ = await self._wait_next_records(timeout)
        if records and self.flow_active and not self.should_stop:
            for tp, batches in records.items():
                for batch in batches:
                    yield tp, self._to_message(tp, batch)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        batch: Any = record
        return ConsumerMessage(
            batch.topic,
            batch.partition,
            batch.end - 1,
            0.0,
            0,
            [],
            None,
            batch,
            None,
            0,
            batch.bytes,
            tp,
            generation_id=batch.generation,
        )
