"""Records as lines: exact values for programs, harmless text for terminals."""

import base64
import json
from dataclasses import dataclass

import pytest

from shared.cli.records import as_line, as_text

HEADERS = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"evt-1"),
    ("ce_type", b"orders/create"),
    ("delivery_id", b"019b7d6c-5e1d-7000-8000-000000000001"),
)


@dataclass(frozen=True)
class Consumed:
    value: bytes | None
    topic: str = "dev.shopify.orders"
    partition: int = 2
    offset: int = 41
    timestamp: int = 1_767_323_046_000
    key: bytes | None = b"5000"
    headers: tuple[tuple[str, bytes], ...] = HEADERS


def test_a_line_holds_position_envelope_and_value() -> None:
    assert json.loads(as_line(Consumed(b'{"id": 1}'), "shopify.orders")) == {
        "topic": "shopify.orders",
        "partition": 2,
        "offset": 41,
        "timestamp": "2026-01-02T03:04:06.000Z",
        "key": "5000",
        "headers": {name: value.decode() for name, value in HEADERS},
        "value_encoding": "json",
        "value": {"id": 1},
    }


def test_digits_of_a_json_value_are_not_touched() -> None:
    value = b'{"price": 64.10, "id": 12345678901234567890, "big": 1e400}'
    assert value.decode() in as_line(Consumed(value), "t")


def test_a_value_of_several_lines_stays_one_line() -> None:
    line = as_line(Consumed(b'{\r\n  "a": "b\\nc"\n}'), "t")
    assert "\n" not in line
    assert json.loads(line)["value"] == {"a": "b\nc"}


@pytest.mark.parametrize(
    ("value", "encoding", "expected"),
    [
        (None, None, None),
        (b"not json", "text", "not json"),
        (b"NaN", "text", "NaN"),
        (b"", "text", ""),
        (b"[" * 100_000, "text", "[" * 100_000),
        (b"\xff\xfe", "base64", base64.b64encode(b"\xff\xfe").decode()),
        (b'"\\ud800"', "json", "\ud800"),
    ],
)
def test_what_is_not_json_says_how_it_is_written(
    value: bytes | None, encoding: str | None, expected: object
) -> None:
    body = json.loads(as_line(Consumed(value), "t"))
    assert (body["value_encoding"], body["value"]) == (encoding, expected)


def test_a_payload_cannot_steer_the_terminal() -> None:
    hostile = Consumed(b"\x1b[2J\x07\r\xc2\x9b31m", key=b"\x1b]0;title\x07")
    text = as_text(hostile, "shopify.orders")
    assert all(character.isprintable() or character in "\n " for character in text)
    assert "\\x1b[2J" in text


def test_bytes_that_are_no_text_are_shown_by_their_codes() -> None:
    assert "\\xff" in as_text(Consumed(b"\xff"), "t")


def test_text_begins_with_where_the_record_is() -> None:
    text = as_text(Consumed(b"{}"), "shopify.orders")
    assert text.startswith("shopify.orders/2/41 2026-01-02 03:04:06.000Z id=evt-1 ")
    assert "key=5000" in text


def test_a_tombstone_says_so() -> None:
    assert "the key is deleted" in as_text(Consumed(None), "lakehouse.tables")
