"""aiokafka and confluent-kafka as they are used: nothing here knows what the broker is."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as AioPartition
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewPartitions, NewTopic

from tests.contracts.broker.conftest import NewTopicFixture
from tests.support.broker import BrokerProcess


@asynccontextmanager
async def consuming(
    broker: BrokerProcess, topic: str, group: str
) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=6000,
        heartbeat_interval_ms=500,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def until(condition: Callable[[], bool], *consumers: AIOKafkaConsumer) -> None:
    """Poll the consumers until the condition holds; fails after a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.gather(*(each.getmany(timeout_ms=100) for each in consumers))


@pytest.mark.asyncio
@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
async def test_aiokafka_sends_and_reads_with_headers(
    shared_broker: BrokerProcess, new_topic: NewTopicFixture, codec: str | None
) -> None:
    topic = new_topic(2)
    producer = AIOKafkaProducer(
        bootstrap_servers=shared_broker.bootstrap, compression_type=codec, enable_idempotence=True
    )
    await producer.start()
    try:
        for number in range(50):
            value = b"%d" % number
            await producer.send(topic, value, key=value, headers=[("h", value)])
    finally:
        await producer.stop()
    seen: dict[bytes, tuple[bytes, object]] = {}
    async with consuming(shared_broker, topic, f"g-{topic}") as consumer:
        while len(seen) < 50:
            async with asyncio.timeout(60):
                record = await consumer.getone()
            seen[record.value] = (record.key, record.headers)
        await consumer.commit()
    assert seen == {b"%d" % n: (b"%d" % n, (("h", b"%d" % n),)) for n in range(50)}


@pytest.mark.asyncio
async def test_a_group_shares_partitions_and_goes_on_from_its_commits(
    shared_broker: BrokerProcess, new_topic: NewTopicFixture
) -> None:
    topic, group = new_topic(4), f"g-{uuid.uuid4().hex[:8]}"
    async with consuming(shared_broker, topic, group) as first:
        await until(lambda: len(first.assignment()) == 4, first)
        joining = consuming(shared_broker, topic, group)
        entering = asyncio.ensure_future(joining.__aenter__())
        await until(entering.done, first)
        second = entering.result()
        shared = [first, second]
        await until(lambda: [len(each.assignment()) for each in shared] == [2, 2], *shared)
        await first.commit({min(first.assignment()): 7})
        position = min(first.assignment())
        await joining.__aexit__(None, None, None)
        await until(lambda: len(first.assignment()) == 4, first)
    async with consuming(shared_broker, topic, group) as third:
        assert await third.committed(AioPartition(topic, position.partition)) == 7


def test_confluent_delivers_and_consumes_as_a_group(
    shared_broker: BrokerProcess, new_topic: NewTopicFixture
) -> None:
    topic = new_topic(3)
    producer = Producer({"bootstrap.servers": shared_broker.bootstrap, "enable.idempotence": True})
    failed: list[object] = []
    for number in range(3000):
        producer.produce(
            topic,
            b"%d" % number,
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
        producer.poll(0)
    assert producer.flush(20) == 0
    assert failed == []
    consumer = Consumer(
        {
            "bootstrap.servers": shared_broker.bootstrap,
            "group.id": f"g-{topic}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    seen: list[bytes] = []
    deadline = time.monotonic() + 60
    while len(seen) < 3000:
        assert time.monotonic() < deadline
        seen += [message.value() or b"" for message in consumer.consume(1000, 0.5)]
    consumer.commit(asynchronous=False)
    consumer.close()
    assert sorted(map(int, seen)) == list(range(3000))


def test_group_administration(
    shared_broker: BrokerProcess, admin: AdminClient, new_topic: NewTopicFixture
) -> None:
    topic, group = new_topic(2), f"g-{uuid.uuid4().hex[:8]}"
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 5)])
    admin.alter_consumer_group_offsets([wanted])[group].result(10)
    named = ConsumerGroupTopicPartitions(group)
    fetched = admin.list_consumer_group_offsets([named])[group].result(10)
    assert [(each.partition, each.offset) for each in fetched.topic_partitions] == [(0, 5)]
    assert group in {each.group_id for each in admin.list_consumer_groups().result(10).valid}
    described = admin.describe_consumer_groups([group])[group].result(10)
    assert (described.state.name, list(described.members)) == ("EMPTY", [])
    admin.delete_consumer_groups([group])[group].result(10)
    assert group not in {each.group_id for each in admin.list_consumer_groups().result(10).valid}


def test_topic_administration(admin: AdminClient, new_topic: NewTopicFixture) -> None:
    topic = new_topic(2, retention_ms="3600000")

    def refusal(new: NewTopic) -> str:
        with pytest.raises(KafkaException) as error:
            admin.create_topics([new])[new.topic].result(10)
        return str(error.value.args[0].name())

    assert refusal(NewTopic(topic, 2, 1)) == "TOPIC_ALREADY_EXISTS"
    assert refusal(NewTopic("a b", 1, 1)) == "TOPIC_EXCEPTION"
    assert refusal(NewTopic(f"x{topic}", 1, 3)) == "INVALID_REPLICATION_FACTOR"
    assert refusal(NewTopic(f"x{topic}", 1, 1, config={"no.such": "1"})) == "INVALID_CONFIG"
    assert refusal(NewTopic(f"x{topic}", 1, 1, config={"retention.ms": "x"})) == "INVALID_CONFIG"

    resource = ConfigResource(ResourceType.TOPIC, topic)
    resource.add_incremental_config(
        ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.APPEND)
    )
    admin.incremental_alter_configs([resource])[resource].result(10)
    asked = ConfigResource(ResourceType.TOPIC, topic)
    deadline = time.monotonic() + 60
    while True:  # a real Kafka shows what was altered a moment later
        configs = admin.describe_configs([asked])[asked].result(10)
        if configs["cleanup.policy"].value == "delete,compact":
            break
        assert time.monotonic() < deadline
    assert configs["retention.ms"].value == "3600000"
    admin.create_partitions([NewPartitions(topic, 5)])[topic].result(10)
    while len(admin.list_topics(topic, timeout=10).topics[topic].partitions) != 5:
        assert time.monotonic() < deadline
    admin.delete_topics([topic])[topic].result(10)
    while topic in admin.list_topics(timeout=10).topics:
        assert time.monotonic() < deadline
