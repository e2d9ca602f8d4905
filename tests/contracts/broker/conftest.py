"""One suite for the embedded broker and, by ``BERGLINE_TEST_BROKER``, a real Kafka."""

import uuid
from collections.abc import Callable

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.contracts.broker.kafka import wait_for_logs
from tests.support.broker import BrokerProcess, broker, shared_broker
from tests.support.kafka_wire import RawConnection

__all__ = ["broker", "shared_broker"]

NewTopicFixture = Callable[..., str]


@pytest.fixture
def admin(shared_broker: BrokerProcess) -> AdminClient:
    return AdminClient({"bootstrap.servers": shared_broker.bootstrap})


@pytest.fixture
def new_topic(shared_broker: BrokerProcess, admin: AdminClient) -> NewTopicFixture:
    """Creates topics with names of their own, and waits until their logs answer."""

    def create(partitions: int = 1, **configs: str) -> str:
        name = f"t-{uuid.uuid4().hex[:10]}"
        overrides = {key.replace("_", "."): value for key, value in configs.items()}
        admin.create_topics([NewTopic(name, partitions, 1, config=overrides)])[name].result(10)
        with RawConnection(shared_broker.bootstrap) as connection:
            wait_for_logs(connection, name, partitions)
        return name

    return create
