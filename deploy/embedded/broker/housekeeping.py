"""The slow loop: retention, compaction, forgotten producers and groups."""

import asyncio
import logging

from . import compaction, retention
from .broker import Broker, wall_clock_ms
from .partition_log import PartitionLog

log = logging.getLogger(__name__)


async def run(broker: Broker) -> None:
    """Go through all partitions every ``housekeeping_seconds``, one at a time."""
    while True:
        await asyncio.sleep(broker.settings.housekeeping_seconds)
        now_ms = wall_clock_ms()
        for topic in broker.topics:
            for partition in topic.partitions:
                if partition.deleted:
                    continue
                try:
                    await tidy(partition, now_ms, broker.settings.producer_retention_seconds)
                except Exception:
                    if not partition.deleted:
                        log.exception("housekeeping of %s failed", partition.directory)
                await asyncio.sleep(0)
        await broker.coordinator.expire(now_ms)


async def tidy(partition: PartitionLog, now_ms: int, producer_retention_seconds: float) -> None:
    """Apply the topic's cleanup policies to one partition. Raises OSError."""
    partition.producers.expire(now_ms - int(producer_retention_seconds * 1000))
    gone = retention.expired(partition.segments, partition.config, now_ms)
    if len(gone) == len(partition.segments) and not partition.roll():
        gone.pop()  # somebody appends: the last segment is not old any more
    if gone:
        await partition.raise_start(partition.segments[len(gone)].base_offset)
    if partition.config.compact:
        await _compact(partition, now_ms)


async def _compact(partition: PartitionLog, now_ms: int) -> None:
    async with partition.files:
        closed = partition.segments[:-1]
        if not compaction.is_worth_it(closed, partition.cleaned_until, partition.config):
            return
        config = partition.config
        latest, read = await asyncio.to_thread(compaction.latest_offsets, closed)
        for group in compaction.grouped(read, config):
            target = await asyncio.to_thread(compaction.clean, group, latest, config, now_ms)
            if partition.deleted:
                return
            compaction.adopt(target, group)  # together with the next line: readers see one state
            at = partition.segments.index(group[0])
            partition.segments[at : at + len(group)] = [target]
            await asyncio.to_thread(compaction.finish, target, group)
        partition.cleaned_until = read[-1].next_offset
