"""ListOffsets, DeleteRecords, OffsetForLeaderEpoch: where a log begins and ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ..broker import Broker
from ..errors import ErrorCode, KafkaError
from ..partition_log import PartitionLog
from ..records import CodecUnavailable, MalformedRecords, decode
from ..request import Request
from ..schema import Fields

_LATEST = -1
_EARLIEST = -2


async def list_offsets(broker: Broker, request: Request) -> Fields:
    """The offset at the start, at the end, or of the first record not older than a time."""

    async def position(log: PartitionLog, wanted: Any) -> Fields:
        if wanted.timestamp == _LATEST:
            return {"offset": log.high_watermark, "leader_epoch": 0}
        if wanted.timestamp == _EARLIEST:
            return {"offset": log.start_offset, "leader_epoch": 0}
        if wanted.timestamp < 0:
            raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)
        loop = asyncio.get_running_loop()
        async with log.files:
            timestamp, offset = await loop.run_in_executor(
                broker.readers, _first_since, log, wanted.timestamp
            )
        epoch = 0 if offset >= 0 else -1
        return {"timestamp": timestamp, "offset": offset, "leader_epoch": epoch}

    return await _each_partition(broker, request, position)


async def delete_records(broker: Broker, request: Request) -> Fields:
    """Raise the log start; -1 means up to the end."""

    async def delete(log: PartitionLog, wanted: Any) -> Fields:
        if not log.config.delete:
            raise KafkaError(ErrorCode.POLICY_VIOLATION)
        target = log.high_watermark if wanted.offset == -1 else wanted.offset
        if not 0 <= target <= log.high_watermark:
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE)
        await log.raise_start(target)
        return {"low_watermark": log.start_offset}

    return await _each_partition(broker, request, delete)


async def offset_for_leader_epoch(broker: Broker, request: Request) -> Fields:
    """The end of the only leader epoch, 0."""

    async def end(log: PartitionLog, wanted: Any) -> Fields:
        if wanted.current_leader_epoch > 0:
            raise KafkaError(ErrorCode.UNKNOWN_LEADER_EPOCH)
        if wanted.leader_epoch != 0:
            return {}
        return {"leader_epoch": 0, "end_offset": log.high_watermark}

    return await _each_partition(broker, request, end)


async def _each_partition(
    broker: Broker, request: Request, answer: Callable[[PartitionLog, Any], Awaitable[Fields]]
) -> Fields:
    topics: list[Fields] = []
    for topic in request.body.topics:
        partitions: list[Fields] = []
        for wanted in topic.partitions:
            try:
                log = broker.topics.partition(topic.name, wanted.index)
                fields = await answer(log, wanted)
            except KafkaError as error:
                fields = {"error_code": error.code}
            except OSError:
                fields = {"error_code": ErrorCode.KAFKA_STORAGE_ERROR}
            partitions.append({"index": wanted.index, **fields})
        topics.append({"name": topic.name, "partitions": partitions})
    return {"topics": topics}


def _first_since(log: PartitionLog, time: int) -> tuple[int, int]:
    """Timestamp and offset of the first record that is not older than ``time``; or -1, -1."""
    for segment in list(log.segments):
        if segment.newest_timestamp < time or segment.next_offset <= log.start_offset:
            continue
        for header, position in segment.batches(segment.index.position_of_time(time)):
            if header.max_timestamp < time or header.last_offset < log.start_offset:
                continue
            try:
                for record in decode(segment.batch_at(header, position)):
                    if record.timestamp >= time and record.offset >= log.start_offset:
                        return record.timestamp, record.offset
            except (CodecUnavailable, MalformedRecords):
                return header.max_timestamp, max(header.base_offset, log.start_offset)
    return -1, -1
