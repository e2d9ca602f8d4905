"""The embedded broker on a full disk: it refuses, keeps what it acknowledged, and recovers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.support.broker_process import BrokerProcess
from tests.support.small_disk import SmallDisk

TOPIC = "orders"
DISK_BYTES = 64 * 2**20
VALUE = b"x" * 100_000
WITHIN_SECONDS = 20.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    small = SmallDisk(tmp_path / "broker", DISK_BYTES)
    try:
        small.mount()
    except OSError as refused:
        pytest.skip(f"a disk of its own is needed, but: {refused}")
    try:
        yield small
    finally:
        small.unmount()


@pytest.fixture
def broker(disk: SmallDisk, tmp_path: Path) -> Iterator[BrokerProcess]:
    process = BrokerProcess(tmp_path)
    process.start()
    try:
        admin = AdminClient({"bootstrap.servers": process.bootstrap})
        admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(10)
        yield process
    finally:
        process.close()


def answer(broker: BrokerProcess, value: bytes) -> KafkaError | None:
    """What the broker says to one record, asked once."""
    answers: list[KafkaError | None] = []

    def note(error: KafkaError | None, _message: Message) -> None:
        answers.append(error)

    producer = Producer(
        {
            "bootstrap.servers": broker.bootstrap,
            "enable.idempotence": False,
            "retries": 0,
            "message.timeout.ms": int(WITHIN_SECONDS * 1000),
        }
    )
    producer.produce(TOPIC, value, on_delivery=note)
    assert producer.flush(WITHIN_SECONDS) == 0
    return answers[0]


def held(broker: BrokerProcess) -> list[bytes]:
    """Every record of the topic."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "check"})
    try:
        place = TopicPartition(TOPIC, 0, 0)
        _, end = consumer.get_watermark_offsets(place, timeout=WITHIN_SECONDS)
        consumer.assign([place])
        found: list[bytes] = []
        deadline = time.monotonic() + WITHIN_SECONDS
        while len(found) < end:
            assert time.monotonic() < deadline, f"{len(found)} of {end} records"
            for message in consumer.consume(100, 0.2):
                assert message.error() is None, message.error()
                found.append(message.value() or b"")
        return found
    finally:
        consumer.close()


@pytest.mark.parametrize("left_bytes", [0, len(VALUE) // 2], ids=["no room", "room for half"])
def test_a_full_disk_refuses_and_takes_again_when_there_is_room(
    broker: BrokerProcess, disk: SmallDisk, left_bytes: int
) -> None:
    assert answer(broker, b"before") is None
    disk.fill(left_bytes)
    for _ in range(3):
        refused = answer(broker, VALUE)
        assert refused is not None
        assert refused.code() == KafkaError.KAFKA_STORAGE_ERROR
    assert held(broker) == [b"before"], "it goes on serving what it has"
    assert broker.is_ready()
    disk.free()
    assert answer(broker, b"after") is None
    assert held(broker) == [b"before", b"after"], "what was refused is not there"
    broker.kill9()
    broker.start()
    assert held(broker) == [b"before", b"after"]


def test_a_broker_that_is_killed_on_a_full_disk_starts_on_it(
    broker: BrokerProcess, disk: SmallDisk
) -> None:
    """Consumers may read, which is what makes room: tables catch up, retention deletes."""
    assert answer(broker, b"before") is None
    disk.fill()
    assert answer(broker, VALUE) is not None
    broker.kill9()
    broker.start()
    assert held(broker) == [b"before"]
    assert answer(broker, VALUE) is not None
    disk.free()
    assert answer(broker, b"after") is None
    assert held(broker) == [b"before", b"after"]


def test_a_broker_that_is_stopped_on_a_full_disk_ends_well(
    broker: BrokerProcess, disk: SmallDisk
) -> None:
    """What only makes the next start fast is not worth an error."""
    assert answer(broker, b"before") is None
    disk.fill()
    assert broker.stop() == 0, broker.log()
    disk.free()
    broker.start()
    assert held(broker) == [b"before"]
