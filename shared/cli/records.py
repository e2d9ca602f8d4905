"""A consumed record as text for people, or as one JSON line."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Never

from shared.cli.words import moment, visible
from shared.contracts import envelope


def as_text(record: Any, topic: str) -> str:
    """Position and envelope in one line, the value in the next."""
    headers = envelope.read(record.headers or ())
    key = None if record.key is None else record.key.decode("utf-8", "replace")
    facts = [
        f"{topic}/{record.partition}/{record.offset}",
        moment(_timestamp(record)),
        *(f"{name.removeprefix('ce_')}={visible(value)}" for name, value in _told(headers).items()),
        *([] if key is None else [f"key={visible(key)}"]),
    ]
    if record.value is None:
        return f"{' '.join(facts)}\n  (no value: the key is deleted)\n"
    return f"{' '.join(facts)}\n  {visible(record.value.decode('utf-8', 'backslashreplace'))}\n"


def as_line(record: Any, topic: str) -> str:
    """One JSON object in one line.

    A value that is JSON is repeated digit by digit, not parsed into floats and back.
    """
    encoding, value = _encoded(record.value)
    head = {
        "topic": topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": moment(_timestamp(record)).replace(" ", "T"),
        "key": None if record.key is None else record.key.decode("utf-8", "replace"),
        "headers": envelope.read(record.headers or ()),
        "value_encoding": encoding,
    }
    return f'{json.dumps(head, ensure_ascii=False)[:-1]}, "value": {value}}}'


def _told(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers worth a line of text: the version of the specification never changes."""
    return {name: value for name, value in headers.items() if name != "ce_specversion"}


def _timestamp(record: Any) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


def _encoded(value: bytes | None) -> tuple[str | None, str]:
    """(encoding, JSON text) of a value."""
    if value is None:
        return None, "null"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "base64", json.dumps(base64.b64encode(value).decode())
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return "text", json.dumps(text, ensure_ascii=False)
    # Line ends occur between tokens only: inside a string JSON writes them as \n.
    return "json", text.replace("\r", " ").replace("\n", " ")


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is not JSON")
