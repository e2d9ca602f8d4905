"""What the streams of tables may ask of the broker: bounds, single records, seek, pause, commit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types.tuples import TP

from services.stream_writer.landing import tail_of
from services.stream_writer.partition_batch import PartitionKey
from shared.contracts.environment import Environment
from shared.lake.log_identity import Found, LogBounds
from shared.runtime.bus import connection
from shared.runtime.settings import Settings

ANSWER_S = 10.0
POLL_MS = 500


class Partitions(Protocol):
    """Port to the broker; keys carry logical topics."""

    async def bounds(self, keys: Iterable[PartitionKey]) -> dict[PartitionKey, LogBounds]:
        """Present bounds of the logs."""

    async def record_at(self, key: PartitionKey, offset: int) -> Found:
        """What the log holds at exactly this offset."""

    async def flow(self, key: PartitionKey, offset: int) -> bool:
        """Fetch from ``offset`` on; ``False`` when the partition is no longer ours."""

    def pause(self, keys: Iterable[PartitionKey]) -> None:
        """Fetch no more of these."""

    def resume(self, keys: Iterable[PartitionKey]) -> None:
        """Fetch these again, from where they stand."""

    def commit(self, offsets: Mapping[PartitionKey, int]) -> None:
        """Store offsets in the group, for figures: soon, and perhaps not."""


class LogInspector:
    """Looks at logs beside the group: bounds, and single records one at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: AIOKafkaConsumer | None = None
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Connect. Raises ``KafkaConnectionError`` when the broker is away."""
        self._consumer = AIOKafkaConsumer(
            **connection(self._settings),
            client_id=self._settings.environment.group("stream_writer-inspector"),
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=64 * 1024,
            request_timeout_ms=int(ANSWER_S * 1000),
        )
        await self._consumer.start()

    async def stop(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def bounds(self, partitions: Iterable[TP]) -> dict[TP, LogBounds]:
        """Log start and end of each partition."""
        consumer = self._require()
        wanted = [TopicPartition(*tp) for tp in partitions]
        async with asyncio.timeout(ANSWER_S):
            starts = await consumer.beginning_offsets(wanted)
            ends = await consumer.end_offsets(wanted)
        return {TP(*tp): LogBounds(starts[tp], ends[tp]) for tp in wanted}

    async def record_at(self, tp: TP, offset: int) -> Any | None:
        """The record at ``offset``, or ``None`` when the log holds none there."""
        consumer = self._require()
        partition = TopicPartition(*tp)
        async with self._lock, asyncio.timeout(ANSWER_S):
            consumer.assign([partition])
            consumer.seek(partition, offset)
            try:
                # The position passes over markers, which are never delivered.
                while await consumer.position(partition) <= offset:
                    fetched = await consumer.getmany(partition, timeout_ms=POLL_MS, max_records=1)
                    for record in fetched.get(partition, ()):
                        return record if record.offset == offset else None
            finally:
                consumer.unsubscribe()
        return None

    def _require(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise RuntimeError("the inspector is not started")
        return self._consumer


class FaustPartitions:
    """:class:`Partitions` over a Faust app's consumer."""

    def __init__(self, app: Any, inspector: LogInspector, environment: Environment) -> None:
        self._app = app
        self._inspector = inspector
        self._environment = environment

    def _tp(self, key: PartitionKey) -> TP:
        return TP(self._environment.topic(key[0]), key[1])

    async def bounds(self, keys: Iterable[PartitionKey]) -> dict[PartitionKey, LogBounds]:
        """Present bounds of the logs."""
        tps = {self._tp(key): key for key in keys}
        return {tps[tp]: found for tp, found in (await self._inspector.bounds(tps)).items()}

    async def record_at(self, key: PartitionKey, offset: int) -> Found:
        """What the log holds at exactly this offset."""
        record = await self._inspector.record_at(self._tp(key), offset)
        return Found(None if record is None else tail_of(record))

    async def flow(self, key: PartitionKey, offset: int) -> bool:
        """Fetch from ``offset`` on; ``False`` when the partition is no longer ours."""
        tp = self._tp(key)
        if tp not in self._app.consumer.assignment():
            return False
        await self._app.consumer.seek_wait({tp: offset})
        self._app.consumer.resume_partitions({tp})
        return True

    def pause(self, keys: Iterable[PartitionKey]) -> None:
        """Fetch no more of these."""
        self._app.consumer.pause_partitions({self._tp(key) for key in keys})

    def resume(self, keys: Iterable[PartitionKey]) -> None:
        """Fetch these again, from where they stand."""
        assigned = self._app.consumer.assignment()
        self._app.consumer.resume_partitions(
            {tp for tp in (self._tp(key) for key in keys) if tp in assigned}
        )

    def commit(self, offsets: Mapping[PartitionKey, int]) -> None:
        """Store offsets in the group, for figures: soon, and perhaps not."""
        self._app.consumer.store_offsets({self._tp(key): offset for key, offset in offsets.items()})
