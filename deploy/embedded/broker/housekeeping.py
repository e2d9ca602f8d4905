"""The slow loop: retention, compaction, forgotten producers and groups."""

import asyncio
import logging

from . import compaction, retention
from .broker import Broker, wall_clock_ms
from .partition_log import PartitionLog
from .segment import remove_all

log = logging.getLogger(__name__)


async def run(broker: Broker) -> None:
    """Go through all partitions every ``housekeeping_seconds``, one at a time."""
    while True:
        await asyncio.sleep(broker.settings.housekeeping_seconds)
        now_ms = wall_clock_ms()
        for topic in broker.topics:
            for partition in topic.partitions:
                try:
                    await tidy(partition, now_ms, broker.settings.producer_retention_seconds)
                except Exception:
                    log.exception("housekeeping of %s failed", partition.directory)
                await asyncio.sleep(0)
        await broker.coordinator.expire(now_ms)


async def tidy(partition: PartitionLog, now_ms: int, producer_retention_seconds: float) -> None:
    """Apply the topic's cleanup policies to one partition. Raises OSError."""
    if partition.deleted:
        return
    partition.producers.expire(now_ms - int(producer_retention_seconds * 1000))
    await _retain(partition, now_ms)
    if partition.config.compact:
        await _compact(partition, now_ms)


async def _retain(partition: PartitionLog, now_ms: int) -> None:
    gone = retention.expired(partition.segments, partition.config, now_ms)
    if not gone:
        return
    if gone[-1] is partition.segments[-1]:
        fresh = partition.next_segment()
        await asyncio.to_thread(fresh.create)
        if not partition.adopt_empty(fresh):
            gone.pop()  # somebody appended meanwhile: the last segment is not old any more
    if not gone:
        return
    removed = partition.advance_start(gone[-1].next_offset)
    await asyncio.to_thread(remove_all, removed)


async def _compact(partition: PartitionLog, now_ms: int) -> None:
    closed = partition.segments[:-1]
    if not compaction.is_worth_it(closed, partition.cleaned_until, partition.config):
        return
    config = partition.config
    latest, read = await asyncio.to_thread(compaction.latest_offsets, closed)
    for group in compaction.grouped(read, config):
        target = await asyncio.to_thread(compaction.clean, group, latest, config, now_ms)
        if partition.deleted or any(segment not in partition.segments for segment in group):
            compaction.draft_of(target).unlink(missing_ok=True)
            return  # retention or a deletion was faster
        compaction.adopt(target, group)
        at = partition.segments.index(group[0])
        partition.segments[at : at + len(group)] = [target]
        await asyncio.to_thread(target.save_index)
    partition.cleaned_until = read[-1].next_offset
