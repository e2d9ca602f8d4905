"""The few raw requests that the contract tests ask, field by field as in the protocol guide."""

import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.support.broker_process import BrokerProcess
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

T = TypeVar("T")

SETTLES_WITHIN_SECONDS = 60.0


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

    def ask() -> tuple[int, int]:
        answer = connection.ask(22, 1, string(None) + int32(60_000))
        answer.int32()
        return answer.int16(), answer.int64()

    return settled(ask)


def commit(connection: RawConnection, group: str, topic: str, offset: int) -> int:
    """OffsetCommit 2 by nobody's member: its error, once there is a coordinator."""
    # As clients do: a real Kafka makes the topic of offsets when a coordinator is first asked for.
    connection.ask(10, 0, string(group))

    def ask() -> tuple[int, int]:
        entry = string(topic) + int32(1) + int32(0) + int64(offset) + string("")
        body = string(group) + int32(-1) + string("") + int64(-1) + int32(1) + entry
        answer = connection.ask(8, 2, body)
        answer.int32(), answer.string(), answer.int32(), answer.int32()
        error = answer.int16()
        return error if error in LOADING else 0, error

    return settled(ask)


def committed(connection: RawConnection, group: str, topic: str) -> int:
    """OffsetFetch 1 of partition 0: the offset."""

    def ask() -> tuple[int, int]:
        body = string(group) + array([topic], lambda name: string(name) + int32(1) + int32(0))
        answer = connection.ask(9, 1, body)
        answer.int32(), answer.string(), answer.int32(), answer.int32()
        offset = answer.int64()
        answer.string()
        return answer.int16(), offset

    return settled(ask)


LOADING = (14, 15, 16)
"""Errors of a coordinator that was just started: it loads, is not there yet, is elsewhere."""


def settled(ask: Callable[[], tuple[int, T]]) -> T:
    """The answer to a repeated question, once the coordinator has loaded what it needs."""
    deadline = time.monotonic() + SETTLES_WITHIN_SECONDS
    while True:
        error, answer = ask()
        if error not in LOADING:
            assert error == 0
            return answer
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for_logs(connection: RawConnection, topic: str, partitions: int = 1) -> None:
    """Wait until the log of each partition answers: a real Kafka announces topics earlier."""
    deadline = time.monotonic() + SETTLES_WITHIN_SECONDS
    while any(offset_at(connection, topic, -1, number)[0] for number in range(partitions)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def create(broker: BrokerProcess, topic: str, **settings: str) -> None:
    """Create a topic of one partition; ``settings`` are the admin client's."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, **settings})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(10)
