"""From bytes to a JSON object, once for each delivery."""

from __future__ import annotations

import orjson

from services.ingest import problem
from services.ingest.sources.endpoint import Malformed, Payload

_JSON_TYPES: dict[type, str] = {
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def parse(body: bytes) -> Payload:
    """The JSON object in a body.

    Raises:
        Malformed: not UTF-8, not JSON, nested deeper than the parser goes, or not an object.
    """
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # The parser's message holds no text of the body, only what it missed and where.
        raise Malformed(problem.INVALID_JSON, f"Invalid JSON payload: {error.msg}") from None
    if not isinstance(payload, dict):
        raise Malformed(problem.NOT_AN_OBJECT, f"the body is a JSON {_JSON_TYPES[type(payload)]}")
    return payload
