"""What stays of a compacted topic: the last value of every key, where it was."""

import time

from confluent_kafka import Consumer, TopicPartition

from tests.contracts.broker.conftest import NewTopicFixture
from tests.contracts.broker.kafka import produce
from tests.support.broker import BrokerProcess
from tests.support.kafka_wire import RawConnection, batch

WITHIN_SECONDS = 90.0
FILLER = b"filler"
Found = list[tuple[int, bytes | None, bytes | None]]


def read(broker: BrokerProcess, topic: str, end: int) -> Found:
    """Offset, key and value of every record before ``end``, fillers left out."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": "unused",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: Found = []
    while (message := consumer.poll(10)) is not None and not message.error():
        offset = message.offset()
        assert offset is not None
        found.append((offset, message.key(), message.value()))
        if offset >= end - 1:
            break
    consumer.close()
    return [each for each in found if each[1] != FILLER]


def test_the_last_value_of_each_key_stays_at_its_offset(
    shared_broker: BrokerProcess, new_topic: NewTopicFixture
) -> None:
    topic = new_topic(cleanup_policy="compact", segment_ms="100", min_cleanable_dirty_ratio="0.01")
    with RawConnection(shared_broker.bootstrap) as connection:
        for number in range(3):
            keys = [(b"a", b"%d" % number), (b"b", b"%d" % number), (b"c", b"%d" % number)]
            assert produce(connection, topic, batch(keys)).error == 0
        assert produce(connection, topic, batch([(b"c", None), (b"d", b"0")])).error == 0
        wanted: Found = [(6, b"a", b"2"), (7, b"b", b"2"), (9, b"c", None), (10, b"d", b"0")]
        deadline = time.monotonic() + WITHIN_SECONDS
        while True:
            # Only closed segments are compacted: an append closes one that is old enough.
            end = produce(connection, topic, batch([(FILLER, b"x")])).base_offset + 1
            found = read(shared_broker, topic, end)
            if found == wanted:
                break
            assert time.monotonic() < deadline, found
