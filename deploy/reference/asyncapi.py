"""The AsyncAPI 3.0 document: a channel per topic, an operation per service that uses it.

Sources: AsyncAPI specification 3.0.0; its Kafka bindings 0.5.0; CloudEvents Kafka Protocol
Binding 1.0.2, section 3.2 (binary content mode).
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from deploy.reference import events, schemas
from shared.contracts.envelope import MAY_REPEAT
from shared.contracts.event import Event
from shared.contracts.registry import EVENTS
from shared.contracts.topics import Topic
from shared.sources.topics import TOPICS
from shared.tables.registry import landing_tables

_ROOT = Path(__file__).resolve().parents[2]
_BINDING_VERSION = "0.5.0"
_RECORDS = events.EXAMPLES / "records"

Document = dict[str, Any]


def document() -> str:
    """``shared/contracts/asyncapi.json``."""
    return schemas.to_json(build())


def build() -> Document:
    """The document as a mapping."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:bergline:topics",
        "info": {
            "title": "Bergline topics",
            "version": _version(),
            "description": (
                "All that passes between the services, and what subscribers may read. Addresses "
                "are logical: BERGLINE_ENV=dev puts `dev.` before each. Records of one key stay "
                "in order; every event arrives at least once, and the same fact has the same "
                "`ce_id` however often it is sent."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": _operations(),
        "components": {
            "messages": {
                **{name: _event_message(event) for name, event in EVENTS.items()},
                **{
                    topic.name: _vendor_message(topic)
                    for topic in TOPICS.values()
                    if not topic.values
                },
            },
            "schemas": {
                "CloudEventHeaders": _CLOUD_EVENT_HEADERS,
                "DeliveryHeaders": _DELIVERY_HEADERS,
                **_payload_schemas(),
            },
        },
    }


def _version() -> str:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def _messages(topic: Topic) -> tuple[str, ...]:
    return topic.values or (topic.name,)


def _channel(topic: Topic) -> Document:
    configs = topic.configs()
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _messages(topic)},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    **configs,
                    "cleanup.policy": configs["cleanup.policy"].split(","),
                    "retention.ms": int(configs["retention.ms"]),
                    "max.message.bytes": int(configs["max.message.bytes"]),
                },
                "bindingVersion": _BINDING_VERSION,
            }
        },
    }


def _operations() -> Document:
    operations: Document = {}
    for topic in TOPICS.values():
        for action, services in (("send", topic.written_by), ("receive", topic.read_by)):
            for service in services:
                operations[f"{service}.{action}.{topic.name}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{topic.name}"},
                    "summary": f"{service} {action}s {' and '.join(_messages(topic))}",
                    "tags": [{"name": service}],
                    "messages": [
                        {"$ref": f"#/channels/{topic.name}/messages/{name}"}
                        for name in _messages(topic)
                    ],
                }
    return operations


def _event_message(event: type[Event]) -> Document:
    return {
        "name": event.type,
        "title": event.__name__,
        "summary": schemas.prose(event).partition("\n")[0],
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "allOf": [{"$ref": "#/components/schemas/CloudEventHeaders"}],
            "properties": {"ce_type": {"const": event.type}, "ce_source": {"const": event.source}},
        },
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
        "bindings": _key(schemas.prose(event.key)),
        "examples": [_event_example(event, path) for path in events.examples(event)],
    }


def _event_example(event: type[Event], path: Path) -> Document:
    value = path.read_bytes()
    _, _, headers = event.decode(value).encode()
    return {
        "name": path.stem,
        "headers": {name: text.decode() for name, text in headers},
        "payload": json.loads(value),
    }


def _vendor_message(topic: Topic) -> Document:
    tables = [spec.name for spec in landing_tables() if topic.name in spec.topics]
    return {
        "name": topic.name,
        "title": topic.name,
        "summary": topic.description,
        "description": "The vendor's payload, byte for byte; every attribute is a header."
        + (f" Lands in {', '.join(tables)}." if tables else ""),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/DeliveryHeaders"},
        "payload": {"type": "object", "description": "JSON object as the vendor documents it"},
        "bindings": _key(topic.key),
        "examples": [
            {
                "name": path.stem,
                "headers": record["headers"],
                "payload": json.loads(record["value"]),
            }
            for path in sorted(_RECORDS.glob("*.json"))
            if (record := json.loads(path.read_bytes()))["topic"] == topic.name
        ],
    }


def _key(description: str) -> Document:
    return {
        "kafka": {
            "key": {"type": "string", "description": description},
            "bindingVersion": _BINDING_VERSION,
        }
    }


def _payload_schemas() -> Document:
    """Schemas of all event types, nested models beside them.

    Raises:
        ValueError: two nested models of one name differ.
    """
    found: Document = {}
    for name, event in EVENTS.items():
        schema = schemas.of(event, ref_template="#/components/schemas/{model}")
        for nested, declared in {**schema.pop("$defs", {}), name: schema}.items():
            if found.setdefault(nested, declared) != declared:
                raise ValueError(f"two contracts are named {nested}")
    return found


def _text(description: str, **more: str) -> Document:
    return {"type": "string", "description": description, **more}


_CLOUD_EVENT_HEADERS: Document = {
    "type": "object",
    "description": "CloudEvents 1.0 attributes as Kafka headers, values in UTF-8.",
    "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "content-type"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": _text("identity of the event; the same event sent again has the same id"),
        "ce_type": _text("type of the event"),
        "ce_source": _text("who produced the event"),
        "ce_time": _text("when the event happened", format="date-time"),
        "ce_subject": _text("what the event is about: the record key"),
        "content-type": _text("media type of the value"),
        "traceparent": _text("W3C trace context"),
    },
}

_DELIVERY_HEADERS: Document = {
    "type": "object",
    "description": "Headers of a vendor's webhook.",
    "allOf": [{"$ref": "#/components/schemas/CloudEventHeaders"}],
    "required": ["received_at", "delivery_id"],
    "properties": {
        "received_at": _text("when ingest accepted the delivery", format="date-time"),
        "delivery_id": _text("UUIDv7 stamped at acceptance, one for each delivery", format="uuid"),
        MAY_REPEAT: _text("there when the record may have been sent before, by a spool"),
    },
}
