"""One suite for the embedded broker and (``BERGLINE_TEST_BROKER=host:port``) a real Kafka."""

import time
import uuid
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from confluent_kafka.cimpl import NewTopic

from tests.support.broker import BrokerProcess, broker, module_broker

__all__ = ["broker", "module_broker"]

NewTopicFixture = Callable[..., str]


@pytest.fixture
def admin(module_broker: BrokerProcess) -> AdminClient:
    return AdminClient({"bootstrap.servers": module_broker.bootstrap})


@pytest.fixture
def new_topic(admin: AdminClient) -> NewTopicFixture:
    """Creates topics with names of their own, and waits until their logs answer."""

    def create(partitions: int = 1, **configs: str) -> str:
        name = f"t-{uuid.uuid4().hex[:10]}"
        overrides = {key.replace("_", "."): value for key, value in configs.items()}
        admin.create_topics([NewTopic(name, partitions, 1, config=overrides)])[name].result(10)
        ends = {TopicPartition(name, number): OffsetSpec.latest() for number in range(partitions)}
        deadline = time.monotonic() + 10
        while True:
            try:
                for future in admin.list_offsets(ends).values():
                    future.result(10)
            except KafkaException:
                assert time.monotonic() < deadline
            else:
                return name

    return create
