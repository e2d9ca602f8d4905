"""Spooled entries as batches of the producer: partitions beside each other, each in its order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from zlib import crc32

from aiokafka import AIOKafkaProducer

from services.ingest.spool.stream import Read


class Sending:
    """Sends entries to one topic.

    Args:
        producer: idempotent.
        topic: on the broker.
        partitions: how many it has.
    """

    def __init__(self, producer: AIOKafkaProducer, topic: str, partitions: int) -> None:
        self._producer = producer
        self._topic = topic
        self._partitions = partitions

    async def send(
        self, reads: Sequence[Read], acknowledged: Callable[[Read], None]
    ) -> Exception | None:
        """Send all and wait for the broker; the first failure, when all is settled."""
        by_partition: dict[int, list[Read]] = {}
        for read in reads:
            partition = crc32(read.entry.key) % self._partitions
            by_partition.setdefault(partition, []).append(read)
        outcomes = await asyncio.gather(
            *(self._send(partition, part, acknowledged) for partition, part in by_partition.items())
        )
        return next((error for error in outcomes if error is not None), None)

    async def _send(
        self, partition: int, reads: list[Read], acknowledged: Callable[[Read], None]
    ) -> Exception | None:
        """One batch after the other: what failed is not overtaken."""
        at = 0
        while at < len(reads):
            batch = self._producer.create_batch()
            count = 0
            for read in reads[at:]:
                entry = read.entry
                if (
                    batch.append(
                        timestamp=None, key=entry.key, value=entry.value, headers=entry.headers
                    )
                    is None
                ):
                    break
                count += 1
            try:
                sent = await self._producer.send_batch(batch, self._topic, partition=partition)
                # The end of this task is not the end of the batch.
                await asyncio.shield(sent)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                return error
            for read in reads[at : at + count]:
                acknowledged(read)
            at += count
        return None
