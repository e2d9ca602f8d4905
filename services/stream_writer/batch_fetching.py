"""The thread that talks to the broker: it drains what was fetched as whole partition batches.

- A batch says exactly which offsets it covers (see :class:`PartitionBatch`), taken from the
  consumer's own positions in the step that drains them.
- Its records stay the bytes that the broker sent (see :mod:`record_batches`), for the client would
  make some thirty objects of each.
- Little at a time is taken up only five times a second: a fetch and an event for every webhook
  cost more than everything that is done with it.
- Kafka commits that fail are logged, never fatal: the table holds the truth.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import structlog
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import CorruptRecordException
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types.tuples import TP

from services.stream_writer.fetched_records import fetched_records, size_of
from services.stream_writer.partition_batch import PartitionBatch
from services.stream_writer.record_batches.record import Malformed
from services.stream_writer.table_assignor import TableAssignor

log = structlog.stdlib.get_logger("bergline.stream_writer")

FETCH_WAIT_MS = 500
GATHER_S = 0.2
"""After so little as :data:`LITTLE_BYTES` was taken up, the next records may wait so long. They
count as that old, so that they are committed no later."""

LITTLE_BYTES = 256 * 1024
STORE_OFFSETS_S = 5.0
"""Longest wait for the group to take offsets: fetching may wait behind it."""


class BatchConsumerThread(AIOKafkaConsumerThread):
    """The thread that talks to the broker, for a ``BatchConsumer`` of :mod:`.batch_consumer`."""

    spread_partitions: ClassVar[bool] = False
    consumer: Any
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
