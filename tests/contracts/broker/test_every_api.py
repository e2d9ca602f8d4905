"""Each offered API answers in each of its versions, and fills its message to the last byte."""

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.embedded.broker.apis import APIS, SASL_AUTHENTICATE, SASL_HANDSHAKE
from deploy.embedded.broker.request import Api
from deploy.embedded.broker.schema import Fields, message
from deploy.embedded.broker.wire import Reader, Writer
from tests.contracts.broker.conftest import NewTopicFixture
from tests.support.broker import BrokerProcess
from tests.support.kafka_wire import RawConnection, batch

GROUP = {"group_id": "g", "generation_id": 1, "member_id": "nobody"}
"""A member that the group does not have: the answer is an error, and whole."""


def asked(topic: str) -> dict[str, Fields]:
    """One request for each API, with something in every array."""

    def partitions(**fields: Any) -> Fields:
        named = {"index": 0, **fields}
        return {"topics": [{"name": topic, "partitions": [named, named | {"index": 9}]}]}

    configs = [{"name": "retention.ms", "value": "60000"}]
    resources = [{"type": kind, "name": topic if kind == 2 else ""} for kind in (2, 4, 9)]
    altered = [{"type": kind, "name": topic, "configs": configs} for kind in (2, 4)]
    return {
        "Produce": {"acks": -1, **partitions(records=batch([(b"k", b"v")]))},
        "Fetch": {"max_bytes": 1000, **partitions(max_bytes=1000)},
        "ListOffsets": partitions(timestamp=5),
        "Metadata": {"topics": [topic, "no-such-topic", "bad name"]},
        "OffsetCommit": {"group_id": topic, "generation_id": -1, **partitions(offset=1)},
        "OffsetFetch": {
            "group_id": topic,
            "topics": [{"name": topic, "partitions": [0, 9]}],
        },
        "FindCoordinator": {"key": "g", "key_type": 7},
        "JoinGroup": {"group_id": "g", "member_id": "nobody", "session_timeout_ms": 10_000},
        "Heartbeat": GROUP,
        "LeaveGroup": {"group_id": "g", "member_id": "nobody"},
        "SyncGroup": GROUP | {"assignments": [{"member_id": "nobody", "assignment": b"x"}]},
        "DescribeGroups": {"groups": [topic, "no-such-group"]},
        "DeleteRecords": partitions(offset=0),
        "OffsetForLeaderEpoch": partitions(current_leader_epoch=-1),
        "CreateTopics": {"topics": [{"name": topic, "partitions": 1, "replication_factor": 1}]},
        "DeleteTopics": {"names": ["no-such-topic"]},
        "CreatePartitions": {"topics": [{"name": topic, "count": 1}]},
        "DescribeConfigs": {"resources": resources},
        "AlterConfigs": {"resources": altered},
        "IncrementalAlterConfigs": {"resources": altered},
        "DeleteGroups": {"groups": ["no-such-group"]},
        "OffsetDelete": {"group_id": topic, "topics": [{"name": topic, "partitions": [0, 9]}]},
    }


@pytest.fixture
def connection(shared_broker: BrokerProcess) -> Iterator[RawConnection]:
    with RawConnection(shared_broker.bootstrap) as opened:
        yield opened


def encoded(api: Api, version: int, fields: Fields) -> bytes:
    writer = Writer()
    message(api.request, version).write(writer, fields)
    return b"".join(writer.frame(0))[8:]


@pytest.mark.parametrize(
    "api",
    [api for api in APIS.values() if api.key not in (SASL_HANDSHAKE, SASL_AUTHENTICATE)],
    ids=lambda api: api.name,
)
def test_every_version_is_answered_whole(
    connection: RawConnection, new_topic: NewTopicFixture, api: Api
) -> None:
    fields = asked(new_topic()).get(api.name, {})
    for version in range(api.oldest, api.newest + 1):
        correlation = connection.send(api.key, version, encoded(api, version, fields))
        reader = Reader(connection.receive().content)
        assert reader.int32() == correlation
        message(api.answer, version).read(reader)
        assert reader.remaining == 0, version
