"""Read stated ranges of logs, without a group: what is asked for, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.runtime.broker_clients import ANSWER_SECONDS, consumer
from shared.runtime.log_bounds import PartitionKey
from shared.runtime.settings import Settings

_POLL_MS = 500


async def read_range(
    settings: Settings, ranges: Mapping[PartitionKey, tuple[int, int]]
) -> AsyncGenerator[Any]:
    """Records (aiokafka's ``ConsumerRecord``) at offsets ``[first, end)`` of each partition.

    In order within a partition, mixed between partitions; one fetch is in memory. Bounds must
    lie within the log.

    Raises:
        Unavailable: the broker does not answer, or retention overtook a range.
    """
    wanted = _physical(settings, {key: r for key, r in ranges.items() if r[0] < r[1]})
    if not wanted:
        return
    async with consumer(settings) as client:
        _assign(client, {tp: first for tp, (first, _) in wanted.items()})
        left = dict(wanted)
        while left:
            async with asyncio.timeout(ANSWER_SECONDS):
                batches = await client.getmany(*left, timeout_ms=_POLL_MS)
            for tp, records in batches.items():
                for record in records:
                    if record.offset < wanted[tp][1]:
                        yield record
            for tp in list(left):
                # The position passes over markers, which are never delivered.
                if await client.position(tp) >= wanted[tp][1]:
                    del left[tp]
                    client.pause(tp)


async def follow(settings: Settings, starts: Mapping[PartitionKey, int]) -> AsyncGenerator[Any]:
    """Records from the stated offsets on, without end.

    Raises:
        Unavailable: the broker does not answer.
    """
    async with consumer(settings) as client:
        _assign(client, _physical(settings, starts))
        while True:
            for records in (await client.getmany(timeout_ms=_POLL_MS)).values():
                for record in records:
                    yield record


async def offsets_at(
    settings: Settings, keys: Iterable[PartitionKey], moment: datetime
) -> dict[PartitionKey, int | None]:
    """First offset of each partition whose record is not older than ``moment``; ``None``: none.

    Raises:
        Unavailable: the broker does not answer.
    """
    [found] = await offsets_at_each(settings, keys, [moment])
    return found


async def offsets_at_each(
    settings: Settings, keys: Iterable[PartitionKey], moments: Sequence[datetime]
) -> list[dict[PartitionKey, int | None]]:
    """As :func:`offsets_at` for several moments, over one connection."""
    asked = {TopicPartition(settings.environment.topic(topic), n): (topic, n) for topic, n in keys}
    if not asked:
        return [{} for _ in moments]
    told = []
    async with consumer(settings) as client:
        for moment in moments:
            at_ms = max(0, int(moment.timestamp() * 1000))  # what is below means ends of logs
            async with asyncio.timeout(ANSWER_SECONDS):
                found = await client.offsets_for_times(dict.fromkeys(asked, at_ms))
            told.append({key: found[tp].offset if found[tp] else None for tp, key in asked.items()})
    return told


def _assign(client: AIOKafkaConsumer, starts: Mapping[TopicPartition, int]) -> None:
    client.assign(list(starts))
    for tp, offset in starts.items():
        client.seek(tp, offset)


def _physical(settings: Settings, by_key: Mapping[PartitionKey, Any]) -> dict[TopicPartition, Any]:
    return {
        TopicPartition(settings.environment.topic(topic), number): value
        for (topic, number), value in by_key.items()
    }
