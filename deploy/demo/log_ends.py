"""What the broker itself says about its logs: where each partition starts and ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.runtime import bus
from shared.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class LogEnds:
    """Offsets of the records that are in one partition: ``[start, end)``."""

    start: int
    end: int


async def log_ends(settings: Settings, topics: Sequence[str]) -> dict[tuple[str, int], LogEnds]:
    """Start and end of every partition of these logical topics.

    Raises:
        aiokafka.errors.KafkaError: the broker does not answer, or lacks a topic.
    """
    physical = [settings.environment.topic(topic) for topic in topics]
    consumer = AIOKafkaConsumer(*physical, **bus.connection(settings), enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [
            TopicPartition(topic, number)
            for topic in physical
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        starts = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
    logical = settings.environment.logical_topic
    return {
        (logical(each.topic), each.partition): LogEnds(starts[each], ends[each])
        for each in partitions
    }
