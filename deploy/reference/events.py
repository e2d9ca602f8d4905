"""The page of event types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic.json_schema import JsonSchemaValue

from deploy.reference import markdown, schemas
from shared import contracts
from shared.contracts.event import Event
from shared.contracts.registry import EVENTS
from shared.sources.topics import TOPICS

EXAMPLES = Path(contracts.__file__).parent / "examples"

_INTRODUCTION = (
    "Values are JSON. Within a version fields are only added, each with a default, so readers "
    "ignore unknown fields and accept missing optional ones; any other change is a new version "
    "of the type."
)


def page() -> str:
    """``deploy/reference/events.md``."""
    return markdown.page(
        "Events",
        "shared/contracts",
        _INTRODUCTION,
        [_section(event) for event in EVENTS.values()],
    )


def examples(event: type[Event]) -> list[Path]:
    """Example values of an event type."""
    return sorted((EXAMPLES / event.type).glob("*.json"))


def _section(event: type[Event]) -> str:
    topics = [topic.name for topic in TOPICS.values() if event.__name__ in topic.values]
    facts = [
        ("`ce_type`", markdown.code(event.type)),
        ("topics", markdown.codes(topics)),
        ("record key", schemas.prose(event.key)),
        ("`ce_id`", schemas.prose(event.event_id)),
        ("`ce_time`", schemas.prose(event.event_time)),
        ("schema", markdown.code(f"shared/contracts/schemas/{event.type}.schema.json")),
    ]
    schema = schemas.of(event)
    blocks = [
        f"## {event.__name__}",
        schemas.prose(event),
        markdown.table(("", ""), facts),
        markdown.table(("field", "type", "default", "meaning"), _fields(schema)),
    ]
    for name, nested in schema.get("$defs", {}).items():
        blocks.append(f"{name}: {nested['description']}")
        blocks.append(markdown.table(("field", "type", "default", "meaning"), _fields(nested)))
    for path in examples(event):
        blocks.append(f"Example `{path.stem}`:")
        blocks.append(f"```json\n{path.read_text(encoding='utf-8').strip()}\n```")
    return "\n\n".join(blocks)


def _fields(schema: JsonSchemaValue) -> Iterator[tuple[str, ...]]:
    required = schema.get("required", [])
    for name, declared in schema["properties"].items():
        if name in required:
            default = "required"
        elif "default" in declared:
            default = json.dumps(declared["default"])
        else:
            default = "empty"
        yield (
            markdown.code(name),
            _type(declared),
            default,
            declared.get("description", ""),
        )


def _type(declared: JsonSchemaValue) -> str:
    """A JSON Schema type in words."""
    if "anyOf" in declared:
        return " or ".join(_type(option) for option in declared["anyOf"])
    if "$ref" in declared:
        return str(declared["$ref"]).rpartition("/")[2]
    if "const" in declared:
        return json.dumps(declared["const"])
    if "enum" in declared:
        return " or ".join(json.dumps(value) for value in declared["enum"])
    if declared["type"] == "object":
        return f"object of {_type(declared['additionalProperties'])}"
    detail = declared.get("format") or declared.get("contentEncoding")
    return f"{declared['type']} ({detail})" if detail else str(declared["type"])
