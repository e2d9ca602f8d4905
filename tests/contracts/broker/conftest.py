"""One suite for the embedded broker and (``BERGLINE_TEST_BROKER=host:port``) a real Kafka."""

import time
import uuid
from collections.abc import Callable

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.contracts.broker.kafka import offset_at
from tests.support.broker import BrokerProcess, broker, module_broker
from tests.support.kafka_wire import RawConnection

__all__ = ["broker", "module_broker"]

NewTopicFixture = Callable[..., str]


@pytest.fixture
def admin(module_broker: BrokerProcess) -> AdminClient:
    return AdminClient({"bootstrap.servers": module_broker.bootstrap})


@pytest.fixture
def new_topic(module_broker: BrokerProcess, admin: AdminClient) -> NewTopicFixture:
    """Creates topics with names of their own, and waits until their logs answer."""

    def create(partitions: int = 1, **configs: str) -> str:
        name = f"t-{uuid.uuid4().hex[:10]}"
        overrides = {key.replace("_", "."): value for key, value in configs.items()}
        admin.create_topics([NewTopic(name, partitions, 1, config=overrides)])[name].result(10)
        deadline = time.monotonic() + 10
        with RawConnection(module_broker.bootstrap) as connection:
            while any(offset_at(connection, name, -1, number)[0] for number in range(partitions)):
                assert time.monotonic() < deadline
        return name

    return create
