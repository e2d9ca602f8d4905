"""JSON Schema (draft 2020-12) of each event type, in the form in which it is written."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from shared.contracts.event import Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Plain(GenerateJsonSchema):
    """Pydantic's schema without titles, which only repeat the names of fields."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False


def prose(described: object) -> str:
    """The docstring as one text, with Markdown's single backticks."""
    return _plain(inspect.getdoc(described) or "")


def _plain(text: str) -> str:
    return text.replace("``", "`")


def of(model: type[BaseModel], ref_template: str = "#/$defs/{model}") -> JsonSchemaValue:
    """Schema of a model, nested models under ``$defs``."""
    schema = model.model_json_schema(
        mode="serialization", schema_generator=_Plain, ref_template=ref_template
    )
    schema["description"] = prose(model)
    for nested in schema.get("$defs", {}).values():
        if "description" in nested:
            nested["description"] = _plain(nested["description"])
    return schema


def identifier(event: type[Event]) -> str:
    """The schema's ``$id``: a name that depends on no host."""
    return f"urn:bergline:{event.type}"


def to_json(document: JsonSchemaValue) -> str:
    """The document as it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def document(event: type[Event]) -> Callable[[], str]:
    """Renders the schema file of an event type."""
    return lambda: to_json({"$schema": DIALECT, "$id": identifier(event), **of(event)})
