"""Produce and InitProducerId."""

import asyncio
from typing import Any

from ..broker import Broker, wall_clock_ms
from ..errors import ErrorCode, KafkaError
from ..partition_log import Appended, PartitionLog
from ..record_batch import BatchHeader, validate
from ..records import CodecUnavailable, MalformedRecords, decode
from ..request import Request, error_fields
from ..schema import Fields
from ..topic_names import INTERNAL_TOPICS

_ACKS = (-1, 0, 1)
_ZSTD_FROM = 7


async def produce(broker: Broker, request: Request) -> Fields | None:
    """Append, wait for the group commit, answer; acks=0 gets no answer, but errors close.

    acks=1 is answered like acks=all: there is one node, and it answers what is on its disk.
    """
    answers = [
        (topic.name, [_append(broker, request, topic.name, each) for each in topic.partitions])
        for topic in request.body.topics
    ]
    topics = [
        {"name": name, "partitions": [await each.fields() for each in partitions]}
        for name, partitions in answers
    ]
    if request.body.acks != 0:
        return {"topics": topics}
    if any(each.error for _, partitions in answers for each in partitions):
        raise ConnectionAbortedError("a produce with acks=0 failed")  # all that it can be told
    return None


async def init_producer_id(broker: Broker, request: Request) -> Fields:
    """A new producer id; transactional ids are refused."""
    if request.body.transactional_id is not None:
        return {"error_code": ErrorCode.UNSUPPORTED_VERSION}
    try:
        producer_id = await asyncio.to_thread(broker.data_dir.next_producer_id)
    except OSError:
        return {"error_code": ErrorCode.KAFKA_STORAGE_ERROR}
    return {"producer_id": producer_id, "producer_epoch": 0}


class _Answer:
    """What became of the batch for one partition."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.log: PartitionLog | None = None
        self.appended: Appended | None = None
        self.error: KafkaError | None = None

    async def fields(self) -> Fields:
        """Wait until the batch is durable, or not; then the fields of the answer."""
        log, appended = self.log, self.appended
        if log is not None and appended is not None:
            outcome = appended.outcome
            code = outcome.result() if outcome.done() else await asyncio.shield(outcome)
            if code:
                gone = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
                self.error = KafkaError(gone if log.deleted else code)
        fields = {"index": self.index, **error_fields(self.error)}
        if log is not None and (self.error is None or self.error.within_log):
            fields["log_start_offset"] = log.start_offset
        if appended is not None and self.error is None:
            fields["base_offset"] = appended.base_offset
            fields["log_append_time_ms"] = appended.append_time
        return fields


def _append(broker: Broker, request: Request, topic: str, asked: Any) -> _Answer:
    answer = _Answer(asked.index)
    records = asked.records or memoryview(b"")  # no record at all is answered with 87
    try:
        answer.log = log = _log(broker, topic, asked.index, request.body.acks)
        zstd_allowed = request.version >= _ZSTD_FROM
        header = validate(
            records, max_bytes=log.config.max_message_bytes, zstd_allowed=zstd_allowed
        )
        now_ms = wall_clock_ms()
        _check_time(log, header, now_ms)
        if log.config.compact:
            _check_keys(records)
        answer.appended = log.append(records, header, now_ms)
    except KafkaError as error:
        answer.error = error
    return answer


def _log(broker: Broker, topic: str, partition: int, acks: int) -> PartitionLog:
    if acks not in _ACKS:
        raise KafkaError(ErrorCode.INVALID_REQUIRED_ACKS)
    if topic in INTERNAL_TOPICS:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION)
    return broker.topics.partition(topic, partition)


def _check_time(log: PartitionLog, header: BatchHeader, now_ms: int) -> None:
    latest = now_ms + log.config.timestamp_after_max_ms
    earliest = now_ms - log.config.timestamp_before_max_ms
    if log.config.log_append_time or header.max_timestamp < 0:
        return
    if not earliest <= header.max_timestamp <= latest:
        raise KafkaError(
            ErrorCode.INVALID_TIMESTAMP,
            f"Timestamp {header.max_timestamp} is not within [{earliest}, {latest}]",
            within_log=True,
        )


def _check_keys(records: memoryview) -> None:
    try:
        keyless = any(record.key is None for record in decode(records))
    except CodecUnavailable:
        return
    except MalformedRecords as error:
        raise KafkaError(ErrorCode.INVALID_RECORD, str(error), within_log=True) from error
    if keyless:
        text = "Compacted topic cannot accept message without key"
        raise KafkaError(ErrorCode.INVALID_RECORD, text, within_log=True)
