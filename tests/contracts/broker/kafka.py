"""The few raw requests that the contract tests ask, field by field as in the protocol guide."""

from typing import NamedTuple

from tests.support.kafka_wire import (
    Answer,
    RawConnection,
    array,
    data,
    int8,
    int16,
    int32,
    int64,
    string,
)


class Produced(NamedTuple):
    error: int
    base_offset: int
    log_start: int


class Fetched(NamedTuple):
    error: int
    high_watermark: int
    log_start: int
    records: bytes


def produce_body(topic: str, partition: int, records: bytes | None, acks: int = -1) -> bytes:
    entry = int32(partition) + data(records)
    topics = array([topic], lambda name: string(name) + int32(1) + entry)
    return string(None) + int16(acks) + int32(8000) + topics


def produced(answer: Answer) -> Produced:
    """The answer to a produce 7 of one batch."""
    answer.int32(), answer.string(), answer.int32(), answer.int32()
    error, base_offset = answer.int16(), answer.int64()
    answer.int64()
    return Produced(error, base_offset, answer.int64())


def produce(
    connection: RawConnection,
    topic: str,
    records: bytes | None,
    *,
    partition: int = 0,
    acks: int = -1,
    version: int = 7,
) -> Produced:
    return produced(connection.ask(0, version, produce_body(topic, partition, records, acks)))


def fetch(
    connection: RawConnection,
    topic: str,
    offset: int,
    *,
    partition: int = 0,
    wait_ms: int = 0,
    min_bytes: int = 1,
    max_bytes: int = 50 << 20,
    partition_bytes: int = 1 << 20,
) -> Fetched:
    """Fetch 5 of one partition."""
    entry = int32(partition) + int64(offset) + int64(-1) + int32(partition_bytes)
    body = int32(-1) + int32(wait_ms) + int32(min_bytes) + int32(max_bytes) + int8(0)
    body += array([topic], lambda name: string(name) + int32(1) + entry)
    answer = connection.ask(1, 5, body)
    answer.int32(), answer.int32(), answer.string(), answer.int32(), answer.int32()
    error, high_watermark, _, log_start = (
        answer.int16(),
        answer.int64(),
        answer.int64(),
        answer.int64(),
    )
    answer.array(lambda: (answer.int64(), answer.int64()))
    return Fetched(error, high_watermark, log_start, answer.data() or b"")


def offset_at(
    connection: RawConnection, topic: str, time: int, partition: int = 0
) -> tuple[int, int, int]:
    """ListOffsets 2: error, timestamp, offset."""
    body = int32(-1) + int8(0)
    body += array([topic], lambda name: string(name) + int32(1) + int32(partition) + int64(time))
    answer = connection.ask(2, 2, body)
    answer.int32(), answer.int32(), answer.string(), answer.int32(), answer.int32()
    return answer.int16(), answer.int64(), answer.int64()


def delete_before(connection: RawConnection, topic: str, offset: int) -> tuple[int, int]:
    """DeleteRecords 1: low watermark, error."""
    body = array([topic], lambda name: string(name) + int32(1) + int32(0) + int64(offset))
    answer = connection.ask(21, 1, body + int32(5000))
    answer.int32(), answer.int32(), answer.string(), answer.int32(), answer.int32()
    return answer.int64(), answer.int16()


def producer_id(connection: RawConnection) -> int:
    """A new producer id."""
    answer = connection.ask(22, 1, string(None) + int32(60_000))
    answer.int32()
    assert answer.int16() == 0
    return answer.int64()
