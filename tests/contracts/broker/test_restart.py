"""What was acknowledged is there after the end of the broker, however it ended."""

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.contracts.broker.bare_client import BareClient
from tests.contracts.broker.kafka import (
    commit,
    committed,
    create,
    fetch,
    offset_at,
    produce,
    producer_id,
    wait_for_logs,
)
from tests.contracts.broker.scenarios.groups import Group
from tests.support.broker import BrokerProcess
from tests.support.kafka_wire import RawConnection, batch


@pytest.mark.parametrize("ending", ["stop", "kill9"])
def test_everything_acknowledged_survives(broker: BrokerProcess, ending: str) -> None:
    create(broker, "t")
    with RawConnection(broker.bootstrap) as connection:
        wait_for_logs(connection, "t")
        pid = producer_id(connection)
        records = batch([(b"k", b"v")], producer=(pid, 0, 0))
        assert produce(connection, "t", records) == (0, 0, 0)
        assert commit(connection, "g", "t", 1) == 0
    getattr(broker, ending)()
    broker.start()
    with RawConnection(broker.bootstrap) as connection:
        wait_for_logs(connection, "t")
        assert fetch(connection, "t", 0).high_watermark == 1
        assert committed(connection, "g", "t") == 1
        # A retry of the batch that the old process acknowledged is recognised by the new one.
        assert produce(connection, "t", records) == (0, 0, 0)
        assert offset_at(connection, "t", -1) == (0, -1, 1)
        assert producer_id(connection) > pid


def test_a_member_after_a_restart(broker: BrokerProcess) -> None:
    with BareClient(broker) as client:
        group = Group(client, "group")
        joined = group.join()
        group.sync(joined.generation, joined.member_id, {joined.member_id: b""})
        name = group.name
    broker.stop()
    broker.start()
    with BareClient(broker) as client:
        client.coordinator(name)
        group.client, group.name = client, name
        kept = group.heartbeat(joined.generation, joined.member_id)
    assert kept == ("UNKNOWN_MEMBER_ID" if broker.is_embedded else "ok")


@pytest.mark.parametrize("ending", ["stop", "kill9"])
def test_a_client_that_stays_open_goes_on(broker: BrokerProcess, ending: str) -> None:
    # Else librdkafka 2.16 may wait for ever for a coordinator that it has forgotten, whatever the
    # broker (its pull request 5512).
    settings: dict[str, str | int | float] = {"metadata.recovery.strategy": "none", "log_level": 0}
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, **settings})
    group = f"g-{ending}"

    def described() -> str:
        with BareClient(broker) as client:
            client.coordinator(group)  # it may still be loading
        return str(admin.describe_consumer_groups([group])[group].result(30).state.name)

    assert described() == "DEAD"
    getattr(broker, ending)()
    broker.start()
    assert described() == "DEAD"
    admin.create_topics([NewTopic("t", 1, 1)])["t"].result(30)
