"""Topics: creating, growing, deleting, and what Metadata says of them."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from tests.contracts.broker.bare_client import BareClient, error_name

WITHIN_SECONDS = 60.0


def created(client: BareClient, *names: str, validate_only: bool = False, **new: Any) -> str:
    """CreateTopics of one topic of one partition, unless said otherwise."""
    topic = {"partitions": 1, "replication_factor": 1, "assignments": [], "configs": []} | new
    topics = [{"name": name} | topic for name in names]
    answer = client.ask(
        "CreateTopics", 4, topics=topics, timeout_ms=10_000, validate_only=validate_only
    )
    return _results(client, answer.topics)


def grown(client: BareClient, name: str, count: int, *, validate_only: bool = False) -> str:
    """CreatePartitions of one topic."""
    topics = [{"name": name, "count": count, "assignments": None}]
    answer = client.ask(
        "CreatePartitions", 1, topics=topics, timeout_ms=5000, validate_only=validate_only
    )
    return _results(client, answer.topics)


def deleted(client: BareClient, *names: str) -> str:
    """DeleteTopics."""
    answer = client.ask("DeleteTopics", 3, names=names, timeout_ms=5000)
    return ", ".join(error_name(each.error_code) for each in answer.topics)


def described(client: BareClient, names: Sequence[str] | None, *, version: int = 4) -> str:
    """Metadata of topics: error or number of partitions."""
    answer = client.ask("Metadata", version, topics=names, allow_auto_topic_creation=True)
    return ", ".join(
        error_name(each.error_code) if each.error_code else f"{len(each.partitions)} partitions"
        for each in answer.topics
    )


def described_within(client: BareClient, name: str, wanted: str) -> str:
    """The same, once it is what is wanted: a real Kafka follows its controller a moment later."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while (answer := described(client, [name])) != wanted and time.monotonic() < deadline:
        pass
    return answer


def creation(client: BareClient) -> Iterator[tuple[str, str]]:
    """What may be created, and why not."""
    name, other = client.name("new"), client.name("other")
    yield "a new topic", created(client, name, partitions=2)
    yield "it is there", described_within(client, name, "2 partitions")
    yield "again", created(client, name, partitions=2)
    config = [{"name": "retention.ms", "value": None}]
    cases: dict[str, dict[str, Any]] = {
        "0 partitions": {"partitions": 0},
        "-2 partitions": {"partitions": -2},
        "3 replicas": {"replication_factor": 3},
        "0 replicas": {"replication_factor": 0},
        "a setting that does not exist": {"configs": [{"name": "no.such", "value": "1"}]},
        "a value that is not a number": {"configs": [config[0] | {"value": "abc"}]},
        "a setting without a value": {"configs": config},
        "partitions and an assignment": {"assignments": [{"index": 0, "broker_ids": [1]}]},
        "an assignment to another broker": {
            "partitions": -1,
            "replication_factor": -1,
            "assignments": [{"index": 0, "broker_ids": [9]}],
        },
        "an assignment with a hole": {
            "partitions": -1,
            "replication_factor": -1,
            "assignments": [{"index": 1, "broker_ids": [1]}],
        },
    }
    for question, case in cases.items():
        yield question, created(client, other, **case)
    yield "validate only", created(client, other, validate_only=True)
    yield "validate only what exists", created(client, name, validate_only=True)
    yield "it is still not there", described(client, [other])
    yield "the same name twice", created(client, other, other)
    defaults: dict[str, Any] = {"partitions": -1, "replication_factor": -1}
    yield "the broker's defaults", created(client, client.name("defaults"), **defaults)
    assigned = [{"index": number, "broker_ids": [1]} for number in (0, 1)]
    manual = client.name("manual")
    yield "an assignment", created(client, manual, **defaults, assignments=assigned)
    yield "its partitions", described_within(client, manual, "2 partitions")


def names(client: BareClient) -> Iterator[tuple[str, str]]:
    """Legal names."""
    for name in ("", ".", "..", "a b", "ä", "a/b", "x" * 250):
        yield f"named {name[:10]!r}", created(client, name)
    yield "a dot", created(client, client.name("like.this"))
    yield "an underscore in its place", created(client, client.name("like_this"))
    yield "Kafka's own name", described(client, ["__no_such_internal_topic"])


def growth(client: BareClient) -> Iterator[tuple[str, str]]:
    """Partitions are added, never taken away."""
    name = client.topic(partitions=2)
    yield "to 4, validate only", grown(client, name, 4, validate_only=True)
    yield "from 2 to 4", grown(client, name, 4)
    yield "they are there", described_within(client, name, "4 partitions")
    for count in (4, 1, 0, -1):
        yield f"to {count}", grown(client, name, count)
    yield "of a topic that is not there", grown(client, client.name("missing"), 4)


def removal(client: BareClient) -> Iterator[tuple[str, str]]:
    """Deleting, and making again."""
    name = client.topic()
    yield "a topic that is not there", deleted(client, client.name("missing"))
    yield "one that is", deleted(client, name)
    yield "again", deleted(client, name)
    yield "it is gone", described_within(client, name, "UNKNOWN_TOPIC_OR_PART")
    yield "made again", created(client, name)


def metadata(client: BareClient) -> Iterator[tuple[str, str]]:
    """What Metadata says."""
    name = client.topic(partitions=3)
    missing = client.name("missing")
    for version in (0, 1, 4, 5, 7):
        yield f"version {version}", described(client, [name, missing], version=version)
    yield "it was not created by asking", described(client, [missing])
    yield "an illegal name", described(client, ["bad name"])
    yield "no topic", described(client, [])
    both = {described(client, None).count(","), described(client, [], version=0).count(",")}
    yield "null from version 1 is all, as nothing in version 0", str(len(both) == 1)
    answer = client.ask("Metadata", 7, topics=[name])
    led = [
        (each.leader_id, each.leader_epoch, each.replica_nodes, each.isr_nodes)
        for each in answer.topics[0].partitions
    ]
    yield "leaders", str(led)
    yield "brokers", str([each.node_id for each in answer.brokers])
    yield "controller", str(answer.controller_id)


def _results(client: BareClient, topics: Sequence[Any]) -> str:
    return ", ".join(
        error_name(each.error_code)
        + (f": {client.plain(each.error_message)}" if each.error_message else "")
        for each in topics
    )
