"""Produce, fetch and positions, with the codes that Apache Kafka 4.3.1 answers."""

import struct
import threading
import time
from collections.abc import Iterator

import pytest

from tests.contracts.broker.conftest import NewTopicFixture
from tests.contracts.broker.kafka import (
    delete_before,
    fetch,
    offset_at,
    produce,
    produce_body,
    produced,
    producer_id,
)
from tests.support.broker import BrokerProcess
from tests.support.kafka_wire import RawConnection, batch

GOOD = batch([(b"k", b"v")] * 3)


@pytest.fixture
def connection(shared_broker: BrokerProcess) -> Iterator[RawConnection]:
    with RawConnection(shared_broker.bootstrap) as opened:
        yield opened


def base_offsets(records: bytes) -> list[int]:
    found, position = [], 0
    while position + 12 <= len(records):
        offset, length = struct.unpack_from(">qi", records, position)
        found.append(offset)
        position += 12 + length
    return found


def test_offsets_follow_each_other(connection: RawConnection, new_topic: NewTopicFixture) -> None:
    topic = new_topic()
    assert [produce(connection, topic, GOOD, acks=acks) for acks in (-1, 1)] == [
        (0, 0, 0),
        (0, 3, 0),
    ]


def test_bad_batches_have_their_codes(
    connection: RawConnection, new_topic: NewTopicFixture
) -> None:
    topic = new_topic()
    flipped = bytearray(GOOD)
    flipped[70] ^= 1
    assert produce(connection, topic, bytes(flipped)) == (2, -1, -1)
    assert produce(connection, topic, b"") == (87, -1, -1)
    assert produce(connection, topic, GOOD + GOOD) == (87, -1, -1)
    assert produce(connection, topic, GOOD[:-20]) == (87, -1, -1)
    assert produce(connection, topic, batch([(None, b"x")], magic=1)) == (87, -1, -1)
    assert produce(connection, topic, batch([(None, b"x")], base_offset=77)) == (87, -1, 0)
    assert produce(connection, topic, batch([(None, b"x")], attributes=0x20)) == (87, -1, 0)
    assert produce(connection, topic, batch([(None, b"x" * 300_000)] * 4)) == (10, -1, -1)
    assert produce(connection, topic, batch([(None, b"x")], attributes=4), version=6) == (
        76,
        -1,
        -1,
    )
    tomorrow = int(time.time() * 1000) + 10 * 86_400_000
    assert produce(connection, topic, batch([(None, b"x")], timestamp=tomorrow)) == (32, -1, 0)
    assert produce(connection, topic, GOOD, acks=5) == (21, -1, -1)
    assert produce(connection, topic, GOOD, partition=9) == (3, -1, -1)
    assert produce(connection, "no-such-topic", GOOD) == (3, -1, -1)
    assert produce(connection, "__consumer_offsets", GOOD) == (17, -1, -1)
    assert fetch(connection, topic, 0).high_watermark == 0


def test_a_compacted_topic_refuses_records_without_key(
    connection: RawConnection, new_topic: NewTopicFixture
) -> None:
    topic = new_topic(cleanup_policy="compact")
    assert produce(connection, topic, batch([(b"k", b"v"), (None, b"x")])) == (87, -1, 0)
    assert produce(connection, topic, GOOD) == (0, 0, 0)


def test_acks_0_has_no_answer_and_a_failure_closes(
    shared_broker: BrokerProcess, connection: RawConnection, new_topic: NewTopicFixture
) -> None:
    topic = new_topic()
    connection.send(0, 7, produce_body(topic, 0, GOOD, acks=0))
    assert connection.ask(18, 0, b"").int16() == 0
    with RawConnection(shared_broker.bootstrap) as other:
        other.send(0, 7, produce_body("no-such-topic", 0, GOOD, acks=0))
        assert other.is_closed()


def test_pipelined_produces_keep_their_order(
    connection: RawConnection, new_topic: NewTopicFixture
) -> None:
    topic = new_topic()
    sent = [connection.send(0, 7, produce_body(topic, 0, GOOD)) for _ in range(40)]
    answers = [connection.receive() for _ in sent]
    assert [answer.int32() for answer in answers] == sent
    assert [produced(answer).base_offset for answer in answers] == [3 * n for n in range(40)]


def test_sequences_of_an_idempotent_producer(
    connection: RawConnection, new_topic: NewTopicFixture
) -> None:
    topic, pid = new_topic(), producer_id(connection)

    def send(sequence: int, count: int = 2, epoch: int = 0) -> tuple[int, int]:
        records = batch([(None, b"a")] * count, producer=(pid, epoch, sequence))
        return produce(connection, topic, records)[:2]

    assert [send(0), send(2), send(2), send(0)] == [(0, 0), (0, 2), (0, 2), (0, 0)]
    assert send(2, count=1) == (45, -1)
    for sequence in (4, 6, 8, 10, 12):
        assert send(sequence) == (0, sequence)
    assert send(0) == (45, -1)
    assert send(4) == (0, 4)
    assert send(20) == (45, -1)
    assert send(14) == (0, 14)
    assert send(5, epoch=1) == (45, -1)
    assert send(0, epoch=1) == (0, 16)
    assert send(16) == (47, -1)
    assert producer_id(connection) != pid


def test_fetch_bounds(connection: RawConnection, new_topic: NewTopicFixture) -> None:
    topic = new_topic()
    assert fetch(connection, topic, 0) == (0, 0, 0, b"")
    for _ in range(4):
        produce(connection, topic, batch([(b"k", b"v" * 1000)] * 5))
    whole = fetch(connection, topic, 0)
    assert (whole.error, whole.high_watermark) == (0, 20)
    assert base_offsets(whole.records) == [0, 5, 10, 15]
    size = len(whole.records) // 4
    assert base_offsets(fetch(connection, topic, 7).records) == [5, 10, 15]
    assert len(fetch(connection, topic, 7, partition_bytes=10).records) == size
    assert len(fetch(connection, topic, 0, max_bytes=0).records) == size
    assert len(fetch(connection, topic, 0, partition_bytes=size + 99).records) == size + 99
    assert fetch(connection, topic, 21)[:2] == (1, -1)
    assert fetch(connection, topic, -1)[:2] == (1, -1)
    assert fetch(connection, topic, 0, partition=5)[:2] == (3, -1)
    assert fetch(connection, "no-such-topic", 0)[:2] == (3, -1)


def test_a_waiting_fetch_is_woken_by_a_produce(
    shared_broker: BrokerProcess, connection: RawConnection, new_topic: NewTopicFixture
) -> None:
    topic = new_topic()

    def later() -> None:
        with RawConnection(shared_broker.bootstrap) as other:
            produce(other, topic, GOOD)

    timer = threading.Timer(0.3, later)
    started = time.monotonic()
    timer.start()
    assert fetch(connection, topic, 0, wait_ms=8000).high_watermark == 3
    assert time.monotonic() - started < 4
    timer.join()


def test_positions_by_time(connection: RawConnection, new_topic: NewTopicFixture) -> None:
    topic = new_topic()
    assert offset_at(connection, topic, 5) == (0, -1, -1)
    for number in range(4):
        records = batch([(b"k", b"v")] * 5, timestamp=1_700_000_000_000 + number * 1000)
        produce(connection, topic, records)
    assert offset_at(connection, topic, -1) == (0, -1, 20)
    assert offset_at(connection, topic, -2) == (0, -1, 0)
    assert offset_at(connection, topic, 1_700_000_001_000) == (0, 1_700_000_001_000, 5)
    assert offset_at(connection, topic, 1_700_000_001_500) == (0, 1_700_000_002_000, 10)
    assert offset_at(connection, topic, 4_000_000_000_000) == (0, -1, -1)
    assert offset_at(connection, topic, -9)[0] == 35
    assert delete_before(connection, topic, 7) == (7, 0)
    assert offset_at(connection, topic, -2) == (0, -1, 7)
    assert offset_at(connection, topic, 0) == (0, 1_700_000_001_000, 7)
    assert base_offsets(fetch(connection, topic, 7).records) == [5, 10, 15]
    assert fetch(connection, topic, 6).error == 1
    assert delete_before(connection, topic, 3) == (7, 0)
    assert delete_before(connection, topic, 99) == (-1, 1)
    assert delete_before(connection, topic, -1) == (20, 0)
