"""Produce 3–8 and InitProducerId 0–1."""

import asyncio
from dataclasses import dataclass

from ..broker import Broker, wall_clock_ms
from ..errors import ErrorCode, KafkaError
from ..partition_log import Appended, PartitionLog
from ..record_batch import BatchHeader, validate
from ..records import CodecUnavailable, MalformedRecords, decode
from ..request import Request
from ..topics import INTERNAL_TOPICS
from ..wire import Writer

_ACKS = (-1, 0, 1)


@dataclass(slots=True)
class _Answer:
    partition: int
    log: PartitionLog | None = None
    appended: Appended | None = None
    error: KafkaError | None = None


async def produce(broker: Broker, request: Request) -> Writer | None:
    """Append, wait for the group commit, answer; acks=0 gets no answer, but errors close.

    acks=1 is answered like acks=all: there is one node, and it answers what is on its disk.
    """
    body, version = request.body, request.version
    body.nullable_string()  # transactional id
    acks = body.int16()
    body.int32()  # timeout

    def partition(topic: str) -> _Answer:
        answer = _Answer(body.int32())
        records = body.nullable_data() or memoryview(b"")  # no record at all is answered with 87
        try:
            _append(broker, topic, answer, records, acks, version)
        except KafkaError as error:
            answer.error = error
        return answer

    def per_topic() -> tuple[str, list[_Answer]]:
        name = body.string()
        return name, body.array(lambda: partition(name))

    topics = body.array(per_topic)
    answers = [answer for _, each in topics for answer in each]
    await _durable(answers)
    if acks == 0:
        if any(answer.error for answer in answers):
            raise ConnectionAbortedError("a produce with acks=0 failed")  # all that it can be told
        return None
    writer = Writer()
    writer.array(topics, lambda topic: _write_topic(writer, topic, version))
    writer.throttle_time(True)
    return writer


async def init_producer_id(broker: Broker, request: Request) -> Writer:
    """A new producer id; transactional ids are refused."""
    transactional_id = request.body.nullable_string()
    writer = Writer()
    writer.throttle_time(True)
    error, producer_id = ErrorCode.NONE, -1
    if transactional_id is not None:
        error = ErrorCode.UNSUPPORTED_VERSION
    else:
        try:
            producer_id = await asyncio.to_thread(broker.data_dir.next_producer_id)
        except OSError:
            error = ErrorCode.KAFKA_STORAGE_ERROR
    writer.int16(error)
    writer.int64(producer_id)
    writer.int16(0 if error is ErrorCode.NONE else -1)
    return writer


def _append(
    broker: Broker, topic: str, answer: _Answer, records: memoryview, acks: int, version: int
) -> None:
    if acks not in _ACKS:
        raise KafkaError(ErrorCode.INVALID_REQUIRED_ACKS)
    if topic in INTERNAL_TOPICS:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION)
    log = broker.topics.partition(topic, answer.partition)
    answer.log = log
    header = validate(
        records,
        max_bytes=log.config.max_message_bytes,
        zstd_allowed=version >= 7,
    )
    now_ms = wall_clock_ms()
    _check_time(log, header, now_ms)
    if log.config.compact:
        _check_keys(records, topic, answer.partition)
    answer.appended = log.append(records, header, now_ms)


def _check_time(log: PartitionLog, header: BatchHeader, now_ms: int) -> None:
    latest = now_ms + log.config.timestamp_after_max_ms
    earliest = now_ms - log.config.timestamp_before_max_ms
    if log.config.log_append_time or header.max_timestamp < 0:
        return
    if header.max_timestamp > latest or header.max_timestamp < earliest:
        raise KafkaError(
            ErrorCode.INVALID_TIMESTAMP,
            f"Timestamp {header.max_timestamp} is out of range. "
            f"The timestamp should be within [{earliest}, {latest}]",
            within_log=True,
        )


def _check_keys(records: memoryview, topic: str, partition: int) -> None:
    try:
        keyless = any(record.key is None for record in decode(records))
    except CodecUnavailable:
        return
    except MalformedRecords as error:
        raise KafkaError(ErrorCode.INVALID_RECORD, str(error), within_log=True) from error
    if keyless:
        raise KafkaError(
            ErrorCode.INVALID_RECORD,
            "Compacted topic cannot accept message without key in topic partition "
            f"{topic}-{partition}",
            within_log=True,
        )


async def _durable(answers: list[_Answer]) -> None:
    for answer in answers:
        if answer.appended is None or answer.log is None:
            continue
        outcome = answer.appended.outcome
        code = outcome.result() if outcome.done() else await asyncio.shield(outcome)
        if code is not ErrorCode.NONE:
            gone = answer.log.deleted
            answer.error = KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if gone else code)


def _write_topic(writer: Writer, topic: tuple[str, list[_Answer]], version: int) -> None:
    name, answers = topic
    writer.string(name)
    writer.array(answers, lambda answer: _write_partition(writer, answer, version))


def _write_partition(writer: Writer, answer: _Answer, version: int) -> None:
    error, log, appended = answer.error, answer.log, answer.appended
    failed = error is not None or appended is None or log is None
    writer.int32(answer.partition)
    writer.int16(error.code if error is not None else ErrorCode.NONE)
    writer.int64(-1 if failed or appended is None else appended.base_offset)
    writer.int64(-1 if failed or appended is None else appended.append_time)
    if version >= 5:
        reached = log is not None and (error is None or error.within_log)
        writer.int64(log.start_offset if reached and log is not None else -1)
    if version >= 8:
        writer.array((), writer.int32)
        writer.string(error.message if error is not None else None)
