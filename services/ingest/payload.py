"""From a request's body to the events in it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import orjson

from services.ingest import form
from services.ingest.limits.shapes import ANY_SHAPE, Shape, is_deeper
from shared.sources.spec import Body, Endpoint, Fault, Headers, Malformed, Payload

_JSON_TYPES: dict[type, str] = {
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Event(NamedTuple):
    """One event of a request.

    Attributes:
        payload: what the reader reads.
        body: what the record holds, unless the reader says otherwise.
        original: the event's bytes as they came.
    """

    payload: Payload
    body: bytes
    original: bytes


class Unreadable(NamedTuple):
    """An element of an array that is no event."""

    malformed: Malformed
    original: bytes


def parse(body: bytes, shape: Shape = ANY_SHAPE) -> Payload:
    """The JSON object in a body.

    Raises:
        Malformed: not UTF-8, not JSON, nested deeper than allowed, or not an object.
    """
    if is_deeper(body, shape.depth):
        raise _too_deep(shape)
    return _object(body)


def _object(body: bytes) -> Payload:
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # The parser's message holds no text of the body, only what it missed and where.
        raise Malformed(Fault.INVALID_JSON, f"Invalid JSON payload: {error.msg}") from None
    if not isinstance(payload, dict):
        raise Malformed(Fault.NOT_AN_OBJECT, f"the body is a JSON {_JSON_TYPES[type(payload)]}")
    return payload


def events(
    endpoint: Endpoint, shape: Shape, headers: Headers, body: bytes
) -> list[Event | Unreadable]:
    """The events of a request, in order.

    Raises:
        Malformed: the body as a whole is none of those that the endpoint takes.
    """
    if Body.FORM in endpoint.bodies and form.is_form(headers.get("Content-Type")):
        payload = form.decode(body, shape)
        return [Event(payload, orjson.dumps(payload), body)]
    if Body.JSON_EVENTS in endpoint.bodies and body.lstrip()[:1] == b"[":
        return _array(body, shape)
    return [Event(parse(body, shape), body, body)]


def _array(body: bytes, shape: Shape) -> list[Event | Unreadable]:
    limit = shape.events
    if is_deeper(body, shape.depth + 1):
        raise _too_deep(shape)
    try:
        elements = _elements(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Malformed(Fault.INVALID_JSON, "Invalid JSON payload: a broken array") from None
    if len(elements) > limit:
        raise Malformed(
            Fault.TOO_MANY_EVENTS, f"the array has {len(elements)} events, at most {limit} are read"
        )
    found: list[Event | Unreadable] = []
    for number, element in enumerate(elements):
        original = bytes(element)
        try:
            found.append(Event(_object(original), original, original))
        except Malformed as malformed:
            detail = f"element {number} of the array: {malformed.detail}"
            found.append(Unreadable(Malformed(malformed.fault, detail), original))
    return found


def _too_deep(shape: Shape) -> Malformed:
    return Malformed(Fault.TOO_DEEP, f"arrays and objects nest deeper than {shape.depth}")
