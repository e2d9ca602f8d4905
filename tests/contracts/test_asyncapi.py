"""The AsyncAPI document is a valid 3.0 document and says what the topics say.

Rules are those of the AsyncAPI specification 3.0.0, checked here by structure.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shared import contracts
from shared.contracts.registry import EVENTS
from shared.contracts.topics import Topic
from shared.sources.topics import TOPICS

DOCUMENT: dict[str, Any] = json.loads(
    (Path(contracts.__file__).parent / "asyncapi.json").read_bytes()
)
EVERY_TOPIC = pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
EVERY_MESSAGE = pytest.mark.parametrize("name", DOCUMENT["components"]["messages"])


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _resolved(reference: str) -> Any:
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def _validator(schema: object) -> jsonschema.Draft202012Validator:
    """A validator that finds the components that the schema refers to."""
    return jsonschema.Draft202012Validator(
        {"components": DOCUMENT["components"], "allOf": [schema]}
    )


def test_root_fields_are_those_of_the_specification() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT.keys() <= {
        "asyncapi",
        "id",
        "info",
        "servers",
        "defaultContentType",
        "channels",
        "operations",
        "components",
    }
    assert {"title", "version"} <= DOCUMENT["info"].keys()


def test_every_reference_resolves_inside_the_document() -> None:
    found = list(_references(DOCUMENT))
    assert found
    for reference in found:
        assert reference.startswith("#/")
        assert _resolved(reference) is not None


@EVERY_TOPIC
def test_a_channel_is_its_topic(topic: Topic) -> None:
    channel = DOCUMENT["channels"][topic.name]
    kafka = channel["bindings"]["kafka"]
    assert channel["address"] == kafka["topic"] == topic.name
    assert kafka["partitions"] == topic.partitions
    configuration = kafka["topicConfiguration"]
    assert configuration["cleanup.policy"] == topic.cleanup.split(",")
    for name, value in topic.configs().items():
        if name != "cleanup.policy":
            assert str(configuration[name]) == value
    assert set(channel["messages"]) == set(topic.values or (topic.name,))


def test_there_is_a_channel_for_each_topic_and_no_other() -> None:
    assert set(DOCUMENT["channels"]) == set(TOPICS)


def test_operations_are_who_writes_and_who_reads() -> None:
    stated = {
        (
            operation["tags"][0]["name"],
            operation["action"],
            _resolved(operation["channel"]["$ref"])["address"],
        )
        for operation in DOCUMENT["operations"].values()
    }
    assert stated == {
        (service, action, topic.name)
        for topic in TOPICS.values()
        for action, services in (("send", topic.written_by), ("receive", topic.read_by))
        for service in services
    }


def test_operations_use_messages_of_their_own_channel() -> None:
    # Specification 3.0.0, Operation Object: messages must be a subset of the channel's.
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"]
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"{channel}/messages/")


@EVERY_MESSAGE
def test_headers_and_examples_fit_their_schemas(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    assert name not in EVENTS or message["examples"], "every event type has an example"
    for example in message["examples"]:
        _validator(message["headers"]).validate(example["headers"])
        _validator(message["payload"]).validate(example["payload"])


@EVERY_MESSAGE
def test_an_example_without_its_identity_does_not_fit(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    for example in message["examples"]:
        headers = {key: text for key, text in example["headers"].items() if key != "ce_id"}
        assert not _validator(message["headers"]).is_valid(headers)


def test_event_types_are_told_apart_by_their_type_header() -> None:
    for name, event in EVENTS.items():
        headers = DOCUMENT["components"]["messages"][name]["headers"]
        assert headers["properties"]["ce_type"] == {"const": event.type}


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_schemas_are_json_schema_without_local_definitions(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "$defs" not in schema, "AsyncAPI tools do not look there"
