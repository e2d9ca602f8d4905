"""Read a topic whole, without a consumer group: every process sees every record."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.runtime.bus import connection
from shared.runtime.outage import Outage
from shared.runtime.settings import Settings

log = structlog.stdlib.get_logger("bergline.runtime")

OnRecord = Callable[[Any], None]


class TopicReader:
    """Follows all partitions of one topic in the background and calls back for each record.

    It begins at the beginning, at the end, or with the first record that is not older than a
    moment, or than so long when it first reaches the broker. :attr:`caught_up` is set once
    everything that was in the topic at the start has been seen, or when :meth:`read_on` was called
    last.
    When the broker is away it waits and goes on. An error of the callback is logged, and the record
    passed over: one odd record must not end the reading.
    """

    def __init__(
        self,
        settings: Settings,
        topic: str,
        on_record: OnRecord,
        *,
        start: Literal["beginning", "end"] | datetime | timedelta = "beginning",
    ) -> None:
        self._settings = settings
        self._topic = settings.environment.topic(topic)
        self._on_record = on_record
        self._start = start
        self._task: asyncio.Task[None] | None = None
        self._look_again = False
        self.caught_up = asyncio.Event()

    def start(self) -> None:
        """Begin in the background."""
        self._task = asyncio.create_task(self._run(), name=f"read {self._topic}")

    async def stop(self) -> None:
        """End; returns when the connection is closed."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def read_on(self) -> None:
        """Return once everything that is in the topic by now has been seen."""
        self._look_again = True
        self.caught_up.clear()
        await self.caught_up.wait()

    async def _run(self) -> None:
        positions: dict[TopicPartition, int] = {}
        outage = Outage(log, "topic not readable, trying again", topic=self._topic)
        while True:
            consumer = AIOKafkaConsumer(
                **connection(self._settings),
                client_id=self._settings.environment.group("reader"),
                auto_offset_reset="earliest",
                enable_auto_commit=False,
            )
            try:
                await consumer.start()
                await self._follow(consumer, positions, outage)
            except Exception as error:  # noqa: BLE001 - reading must never end
                outage.failed(error)
                await asyncio.sleep(1)
            finally:
                with contextlib.suppress(KafkaError, OSError):
                    await consumer.stop()

    async def _follow(
        self, consumer: AIOKafkaConsumer, positions: dict[TopicPartition, int], outage: Outage
    ) -> None:
        numbers = consumer.partitions_for_topic(self._topic)
        while not numbers:
            await consumer._client.force_metadata_update()
            consumer._client.add_topic(self._topic)
            await asyncio.sleep(0.2)
            numbers = consumer.partitions_for_topic(self._topic)
        partitions = [TopicPartition(self._topic, number) for number in sorted(numbers)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        starts = ends
        if self._start == "beginning":
            starts = await consumer.beginning_offsets(partitions)
        elif not isinstance(self._start, str):
            since = self._start
            if isinstance(since, timedelta):
                since = datetime.now(UTC) - since
            since_ms = int(since.timestamp() * 1000)
            found = await consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
            starts = {each: at.offset if (at := found[each]) else ends[each] for each in found}
        for partition in partitions:
            positions.setdefault(partition, starts[partition])
            consumer.seek(partition, positions[partition])
        while True:
            if self._look_again:
                self._look_again = False
                ends = await consumer.end_offsets(partitions)
            reached = all(positions[partition] >= ends[partition] for partition in partitions)
            if reached and not self._look_again:  # else these are not the ends that are meant
                self.caught_up.set()
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    self._tell(record)
            outage.over()
            for partition in partitions:
                # Not read off the records: what compaction or markers left out is passed, too.
                positions[partition] = await consumer.position(partition)

    def _tell(self, record: Any) -> None:
        try:
            self._on_record(record)
        except Exception:
            log.exception("record passed over", topic=self._topic, offset=record.offset)
