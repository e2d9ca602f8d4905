"""What the broker itself says about its logs: where each partition starts and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka import TopicPartition

from shared.runtime.broker_clients import ANSWER_SECONDS, admin, consumer
from shared.runtime.settings import Settings

PartitionKey = tuple[str, int]
"""(logical topic, partition)."""


@dataclass(frozen=True, slots=True)
class LogBounds:
    """Offsets ``[start, end)`` that a partition's log holds."""

    start: int
    end: int

    @property
    def held(self) -> int:
        """Number of offsets held; markers and compacted records are counted too."""
        return self.end - self.start


async def partitions(settings: Settings, topics: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Partition numbers of those logical topics that exist; the others are left out.

    Raises:
        Unavailable: the broker does not answer.
    """
    names = {settings.environment.topic(topic): topic for topic in topics}
    async with admin(settings) as client:
        existing = set(await client.list_topics()) & set(names)
        described = await client.describe_topics(sorted(existing)) if existing else []
    return {
        names[topic["topic"]]: tuple(sorted(each["partition"] for each in topic["partitions"]))
        for topic in described
    }


async def log_bounds(settings: Settings, topics: Iterable[str]) -> dict[PartitionKey, LogBounds]:
    """Start and end of every partition of these logical topics; missing topics are left out.

    Raises:
        Unavailable: the broker does not answer.
    """
    existing = await partitions(settings, topics)
    keys = {
        TopicPartition(settings.environment.topic(topic), number): (topic, number)
        for topic, numbers in existing.items()
        for number in numbers
    }
    if not keys:
        return {}
    async with consumer(settings) as client, asyncio.timeout(ANSWER_SECONDS):
        starts = await client.beginning_offsets(list(keys))
        ends = await client.end_offsets(list(keys))
    return {key: LogBounds(starts[tp], ends[tp]) for tp, key in keys.items()}
