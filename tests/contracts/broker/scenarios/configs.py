"""Settings of topics and of the broker: read, set, reset, extended, shortened."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from tests.contracts.broker.bare_client import BareClient, error_name

TOPIC, BROKER = 2, 4
SET, DELETE, APPEND, SUBTRACT = range(4)
SOURCES = {1: "topic", 3: "default of all brokers", 4: "configuration file", 5: "default"}
WITHIN_SECONDS = 60.0


def described(
    client: BareClient, name: str, *keys: str, kind: int = TOPIC, version: int = 2
) -> str:
    """DescribeConfigs of one resource: value and source of each setting asked for."""
    resource = {"type": kind, "name": name, "keys": keys or None}
    found = client.ask("DescribeConfigs", version, resources=[resource]).resources[0]
    if found.error_code:
        return error_name(found.error_code)
    return ", ".join(
        f"{each.name}={each.value} ({SOURCES[each.source]})"
        for each in sorted(found.configs, key=lambda each: str(each.name))
    )


def described_within(client: BareClient, name: str, key: str, wanted: str) -> str:
    """The same, once it is what is wanted: a real Kafka follows its controller a moment later."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while (answer := described(client, name, key)) != wanted and time.monotonic() < deadline:
        pass
    return answer


def altered(
    client: BareClient,
    name: str,
    *changes: tuple[str, int, str | None],
    kind: int = TOPIC,
    validate_only: bool = False,
) -> str:
    """IncrementalAlterConfigs of one resource."""
    configs = [{"name": key, "operation": what, "value": value} for key, what, value in changes]
    resources = [{"type": kind, "name": name, "configs": configs}]
    answer = client.ask(
        "IncrementalAlterConfigs", 0, resources=resources, validate_only=validate_only
    )
    return _result(client, answer.resources)


def replaced(client: BareClient, name: str, **configs: str) -> str:
    """AlterConfigs of one topic: these overrides and no others."""
    entries = [{"name": key.replace("_", "."), "value": configs[key]} for key in configs]
    resources = [{"type": TOPIC, "name": name, "configs": entries}]
    return _result(client, client.ask("AlterConfigs", 1, resources=resources).resources)


def reading(client: BareClient) -> Iterator[tuple[str, str]]:
    """What is told."""
    topic = client.topic(retention_ms="3600000")
    for key in ("retention.ms", "cleanup.policy", "segment.bytes", "max.message.bytes"):
        yield key, described(client, topic, key)
    yield "one known and one unknown", described(client, topic, "retention.bytes", "no.such")
    yield "a topic that is not there", described(client, client.name("missing"))
    automatic = "auto.create.topics.enable"
    yield "of the broker", described(client, "1", automatic, kind=BROKER)
    yield "of another broker", described(client, "9", kind=BROKER)
    yield "of a thing that does not exist", described(client, "x", kind=77)


def changing(client: BareClient) -> Iterator[tuple[str, str]]:
    """What can be changed, and how it is refused."""
    topic = client.topic()
    policy, retention = "cleanup.policy", "retention.ms"
    yield "set", altered(client, topic, (retention, SET, "7777"))
    wanted = f"{retention}=7777 (topic)"
    yield "it is set", described_within(client, topic, retention, wanted)
    yield "validate only", altered(client, topic, (retention, SET, "1"), validate_only=True)
    yield "it is still the same", described(client, topic, retention)
    yield "append", altered(client, topic, (policy, APPEND, "compact"))
    wanted = f"{policy}=delete,compact (topic)"
    yield "it is appended", described_within(client, topic, policy, wanted)
    yield "subtract", altered(client, topic, (policy, SUBTRACT, "delete"))
    yield "it is subtracted", described_within(client, topic, policy, f"{policy}=compact (topic)")
    yield "delete", altered(client, topic, (policy, DELETE, None), (retention, DELETE, None))
    wanted = f"{policy}=delete (default)"
    yield "it is the default", described_within(client, topic, policy, wanted)
    yield "replace all", replaced(client, topic, retention_bytes="1000000")
    wanted = "retention.bytes=1000000 (topic)"
    yield "it is replaced", described_within(client, topic, "retention.bytes", wanted)
    refused: dict[str, tuple[tuple[str, int, str | None], ...]] = {
        "a setting that does not exist": (("no.such", SET, "1"),),
        "a value that is not a number": ((retention, SET, "x"),),
        "a policy that does not exist": ((policy, SET, "shred"),),
        "an operation that does not exist": ((retention, 9, "1"),),
        "append to a number": ((retention, APPEND, "1"),),
        "the same setting twice": ((retention, SET, "1"), (retention, SET, "2")),
    }
    for question, changes in refused.items():
        yield question, altered(client, topic, *changes)
    missing = client.name("missing")
    yield "of a topic that is not there", altered(client, missing, (retention, SET, "1"))
    yield (
        "a setting of the broker",
        altered(client, "1", ("log.retention.ms", SET, "60000"), kind=BROKER, validate_only=True),
    )


def _result(client: BareClient, resources: Sequence[Any]) -> str:
    (found,) = resources
    said = client.plain(found.error_message)
    return error_name(found.error_code) + (f": {said}" if said else "")
