"""From a form's bytes to nested fields: ``data[merges][EMAIL]=…`` is ``data.merges.EMAIL``.

Brackets nest as PHP and Rails read them, the senders' dialect; ``[]`` takes the next number, and
fields numbered 0 to n-1 are an array. Every value is text. A name whose brackets are no pairs is
taken as it is. What could not be kept whole (a field given twice, or with and without brackets) is
refused, so that nothing is lost in silence. Source: WHATWG URL standard,
"application/x-www-form-urlencoded parsing".
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_to_bytes

from services.ingest.limits.shapes import ANY_SHAPE, Shape
from shared.sources.spec import Fault, Malformed, Payload

MAX_BYTES = 1024 * 1024
"""JSON may take twice the bytes of a form, and must fit a record."""

_MEDIA_TYPE = "application/x-www-form-urlencoded"
_NESTED = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


def is_form(content_type: str | None) -> bool:
    """Whether a Content-Type says that the body is a form, whatever its parameters."""
    return content_type is not None and (
        content_type.partition(";")[0].strip().lower() == _MEDIA_TYPE
    )


def decode(body: bytes, shape: Shape = ANY_SHAPE) -> Payload:
    """The fields of a form.

    Raises:
        Malformed: too many fields, too deep, too large, not UTF-8, or fields that contradict each
            other. The message names no field: names may hold anything.
    """
    if len(body) > MAX_BYTES:
        raise Malformed(Fault.INVALID_FORM, f"the form is larger than {MAX_BYTES} bytes")
    if _CONTROL.search(body):
        raise Malformed(Fault.INVALID_FORM, "the form has control characters that are not escaped")
    items = body.split(b"&")
    if len(items) > shape.form_fields:
        raise Malformed(Fault.INVALID_FORM, f"the form has more than {shape.form_fields} fields")
    fields: Payload = {}
    for number, item in enumerate(items, 1):
        if item:
            name, _, value = item.partition(b"=")
            _put(
                fields,
                _path(_text(name, number), number, shape.form_depth),
                _text(value, number),
                number,
            )
    return {name: _with_arrays(value) for name, value in fields.items()}


def _text(raw: bytes, number: int) -> str:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise Malformed(Fault.INVALID_FORM, f"field {number} is not UTF-8") from None


def _path(name: str, number: int, deepest: int) -> list[str]:
    nested = _NESTED.fullmatch(name)
    if nested is None:
        return [name]
    path = [nested[1], *nested[2][1:-1].split("][")]
    if len(path) > deepest:
        raise Malformed(Fault.INVALID_FORM, f"field {number} is nested deeper than {deepest}")
    return path


def _put(fields: Payload, path: list[str], value: str, number: int) -> None:
    node: dict[str, Any] = fields
    for depth, part in enumerate(path):
        name = part if part or depth == 0 else _next(node)
        if depth == len(path) - 1:
            if name in node:
                raise Malformed(Fault.INVALID_FORM, f"field {number} was given before")
            node[name] = value
            return
        inner = node.setdefault(name, {})
        if not isinstance(inner, dict):
            raise Malformed(
                Fault.INVALID_FORM, f"field {number} is within a field that has a value"
            )
        node = inner


def _next(node: dict[str, Any]) -> str:
    number = len(node)
    while str(number) in node:
        number += 1
    return str(number)


def _with_arrays(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    values = [_with_arrays(value) for value in node.values()]
    if all(name == str(number) for number, name in enumerate(node)):
        return values
    return dict(zip(node, values, strict=True))
