"""Faust's consumer, delivering one event per fetched partition batch.

A Faust agent costs some hundred microseconds per event, so an event is a whole batch here: groups,
rebalances and agents stay Faust's, the records inside are handled in bulk. Seven further
differences to the stock consumer:

- a batch says exactly which offsets it covers (see :class:`PartitionBatch`), taken from the
  consumer's own positions in the step that drains them;
- its records stay the bytes that the broker sent (see :mod:`record_batches`), for the client would
  make some thirty objects of each;
- every batch that was fetched is delivered, also when its partition was paused meanwhile;
- it never seeks to offsets stored in Kafka: every assigned partition stays paused until the
  service has settled, from the table, where it stands;
- Kafka commits happen aside, and failing ones are logged, never fatal: the table holds the
  truth;
- while no partition flows it looks again soon instead of sleeping for a second;
- little at a time is taken up only five times a second: a fetch and an event for every webhook
  cost more than everything that is done with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import structlog
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import CorruptRecordException
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from faust.types.tuples import TP, ConsumerMessage

from services.stream_writer.fetched_records import fetched_records, size_of
from services.stream_writer.partition_batch import PartitionBatch
from services.stream_writer.record_batches.record import Malformed
from services.stream_writer.table_assignor import TableAssignor

log = structlog.stdlib.get_logger("bergline.stream_writer")

FETCH_WAIT_MS = 500
NOTHING_FLOWS_S = 0.02
GATHER_S = 0.2
"""After so little as :data:`LITTLE_BYTES` was taken up, the next records may wait so long. They
count as that old, so that they are committed no later."""

LITTLE_BYTES = 256 * 1024
STORE_OFFSETS_S = 5.0
"""Longest wait for the group to take offsets: fetching may wait behind it."""


class BatchConsumerThread(AIOKafkaConsumerThread):
    """The thread that talks to the broker."""

    spread_partitions: ClassVar[bool] = False
    consumer: BatchConsumer
    _taken_at = 0.0
    _gather_until = 0.0

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        assignor = RoundRobinPartitionAssignor if self.spread_partitions else TableAssignor
        consumer._partition_assignment_strategy = [assignor]
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        consumer = self._ensure_consumer()
        assigned = self.assignment()
        wanted = {
            TopicPartition(*tp): OffsetAndMetadata(offset, "")
            for tp, offset in offsets.items()
            if tp in assigned
        }
        if not wanted:
            return False
        try:
            async with asyncio.timeout(STORE_OFFSETS_S):
                await consumer.commit(wanted)
        except Exception as error:  # noqa: BLE001 - for figures only: the next commit repeats it
            log.info("offsets not committed to the broker", error=type(error).__name__)
            return False
        return True

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's signature
        max_records: int | None = None,  # noqa: ARG002
    ) -> dict[TP, list[PartitionBatch]]:
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        pause = self._gather_until - asyncio.get_running_loop().time()
        if pause > 0:
            await asyncio.sleep(pause)
        if consumer._closed or fetcher._closed:
            from aiokafka.errors import ConsumerStoppedError

            raise ConsumerStoppedError
        with fetcher._subscriptions.fetch_context():
            drained = await self._drain(fetcher, active_partitions, timeout or 0.0)
        return self._gathered(drained) if drained else drained

    def _gathered(
        self, drained: Mapping[TP, Sequence[PartitionBatch]]
    ) -> dict[TP, list[PartitionBatch]]:
        """Say how long these may have waited, and how long the next ones may."""
        now = asyncio.get_running_loop().time()
        waited = min(GATHER_S, now - self._taken_at)
        size = sum(batch.bytes for batches in drained.values() for batch in batches)
        self._taken_at = now
        self._gather_until = now + (GATHER_S if size < LITTLE_BYTES else 0.0)
        return {
            tp: [replace(batch, waited_s=waited) for batch in batches]
            for tp, batches in drained.items()
        }

    async def _drain(
        self,
        fetcher: Any,
        active: set[TP],
        timeout: float,  # noqa: ASYNC109
    ) -> dict[TP, list[PartitionBatch]]:
        while True:
            if fetcher._subscriptions.reassignment_in_progress:
                await fetcher._subscriptions.wait_for_assignment()
            drained: dict[TP, list[PartitionBatch]] = {}
            for tp in list(fetcher._records):
                if tp not in active:
                    if not fetcher._subscriptions.is_assigned(tp):
                        del fetcher._records[tp]
                    continue
                result = fetcher._records[tp]
                if not isinstance(result, FetchResult):
                    # An error stays where it is until the partition is sought anew.
                    self.consumer.partition_failed(tp, result._error)
                    continue
                try:
                    batch = self._batch(fetcher, tp, result)
                except (CorruptRecordException, Malformed) as error:
                    # Dropped, for what was damaged on its way is whole when it is fetched again.
                    self.consumer.partition_failed(tp, error)
                    del fetcher._records[tp]
                    fetcher._notify(fetcher._wait_consume_future)
                    continue
                if not result.has_more():
                    del fetcher._records[tp]
                    fetcher._notify(fetcher._wait_consume_future)
                if batch is not None:
                    drained[tp] = [batch]
            if drained or not timeout:
                return drained
            waiter = fetcher._create_fetch_waiter()
            done, pending = await asyncio.wait([waiter], timeout=timeout)
            if not done or fetcher._closed:
                for future in pending:
                    future.cancel()
                return {}

    def _batch(self, fetcher: Any, tp: TP, result: FetchResult) -> PartitionBatch | None:
        source = result._partition_records
        if source is None:
            return None
        start = source.next_fetch_offset
        generation = self.consumer.app.consumer_generation_id
        records = fetched_records(result)
        assignment = fetcher._subscriptions.subscription.assignment
        if assignment is None or tp not in assignment.tps:
            return None
        state = assignment.state_value(tp)
        end = state.position
        if end <= start:
            return None
        return PartitionBatch(
            topic=tp.topic,
            partition=tp.partition,
            start=start,
            end=end,
            records=records,
            highwater=state.highwater if state.highwater is not None else end,
            generation=generation,
            bytes=size_of(records),
        )


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
