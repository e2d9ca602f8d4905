"""ListOffsets 1–5, DeleteRecords 0–1, OffsetForLeaderEpoch 2–3: where a log begins and ends."""

import asyncio
from typing import NamedTuple

from ..broker import Broker
from ..errors import ErrorCode, KafkaError
from ..partition_log import PartitionLog
from ..records import CodecUnavailable, MalformedRecords, decode
from ..request import Request
from ..wire import Writer

_LATEST = -1
_EARLIEST = -2


class _Position(NamedTuple):
    partition: int
    error: ErrorCode
    timestamp: int = -1
    offset: int = -1


async def list_offsets(broker: Broker, request: Request) -> Writer:
    """The offset at the start, at the end, or of the first record not older than a time."""
    body, version = request.body, request.version
    body.int32()  # replica id
    if version >= 2:
        body.int8()  # isolation level

    def partition() -> tuple[int, int]:
        number = body.int32()
        if version >= 4:
            body.int32()  # current leader epoch
        return number, body.int64()

    wanted = body.array(lambda: (body.string(), body.array(partition)))
    found = [
        (topic, [await _position(broker, topic, number, time) for number, time in partitions])
        for topic, partitions in wanted
    ]
    writer = Writer()
    writer.throttle_time(version >= 2)

    def answer(position: _Position) -> None:
        writer.int32(position.partition)
        writer.int16(position.error)
        writer.int64(position.timestamp)
        writer.int64(position.offset)
        if version >= 4:
            writer.int32(0 if position.offset >= 0 else -1)

    def per_topic(topic: tuple[str, list[_Position]]) -> None:
        writer.string(topic[0])
        writer.array(topic[1], answer)

    writer.array(found, per_topic)
    return writer


async def delete_records(broker: Broker, request: Request) -> Writer:
    """Raise the log start; -1 means up to the end."""
    body = request.body
    wanted = body.array(lambda: (body.string(), body.array(lambda: (body.int32(), body.int64()))))
    body.int32()  # timeout
    writer = Writer()
    writer.throttle_time(True)
    done = [
        (topic, [await _delete_before(broker, topic, *each) for each in partitions])
        for topic, partitions in wanted
    ]

    def answer(each: tuple[int, int, ErrorCode]) -> None:
        number, low_watermark, error = each
        writer.int32(number)
        writer.int64(low_watermark)
        writer.int16(error)

    def per_topic(topic: tuple[str, list[tuple[int, int, ErrorCode]]]) -> None:
        writer.string(topic[0])
        writer.array(topic[1], answer)

    writer.array(done, per_topic)
    return writer


async def offset_for_leader_epoch(broker: Broker, request: Request) -> Writer:
    """The end of the only leader epoch, 0."""
    body = request.body
    if request.version >= 3:
        body.int32()  # replica id
    wanted = body.array(
        lambda: (
            body.string(),
            body.array(lambda: (body.int32(), body.int32(), body.int32())),
        )
    )
    writer = Writer()
    writer.throttle_time(True)

    def answer(topic: str, number: int, current: int, epoch: int) -> None:
        error, end = ErrorCode.NONE, -1
        try:
            log = broker.topics.partition(topic, number)
            if current > 0:
                error = ErrorCode.UNKNOWN_LEADER_EPOCH
            elif epoch == 0:
                end = log.high_watermark
        except KafkaError as refused:
            error = refused.code
        writer.int16(error)
        writer.int32(number)
        writer.int32(0 if end >= 0 else -1)
        writer.int64(end)

    def per_topic(each: tuple[str, list[tuple[int, int, int]]]) -> None:
        topic, partitions = each
        writer.string(topic)
        writer.array(partitions, lambda partition: answer(topic, *partition))

    writer.array(wanted, per_topic)
    return writer


async def _position(broker: Broker, topic: str, number: int, time: int) -> _Position:
    try:
        log = broker.topics.partition(topic, number)
    except KafkaError as error:
        return _Position(number, error.code)
    if time == _LATEST:
        return _Position(number, ErrorCode.NONE, -1, log.high_watermark)
    if time == _EARLIEST:
        return _Position(number, ErrorCode.NONE, -1, log.start_offset)
    if time < 0:
        return _Position(number, ErrorCode.UNSUPPORTED_VERSION)
    loop = asyncio.get_running_loop()
    try:
        async with log.files:
            found = await loop.run_in_executor(broker.readers, _first_since, log, time)
    except OSError:
        return _Position(number, ErrorCode.KAFKA_STORAGE_ERROR)
    return _Position(number, ErrorCode.NONE, *found)


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


async def _delete_before(
    broker: Broker, topic: str, number: int, offset: int
) -> tuple[int, int, ErrorCode]:
    try:
        log = broker.topics.partition(topic, number)
    except KafkaError as error:
        return number, -1, error.code
    target = log.high_watermark if offset == -1 else offset
    if not 0 <= target <= log.high_watermark:
        return number, -1, ErrorCode.OFFSET_OUT_OF_RANGE
    try:
        await log.raise_start(target)
    except OSError:
        return number, -1, ErrorCode.KAFKA_STORAGE_ERROR
    return number, log.start_offset, ErrorCode.NONE
