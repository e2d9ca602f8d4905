"""A bad record is announced whatever is in it; one that cannot be would stop its table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.stream_writer.dead_letters import MAX_ASIDE_BYTES, MAX_VALUE_BYTES, letter_of
from shared.contracts.topics import MAX_RECORD_BYTES
from tests.support.batches import record
from tests.support.records import FetchedRecord

ROW = record(2, 7, b"not json")


def letter(row: FetchedRecord) -> tuple[dict[str, str], bytes | None, bytes, str]:
    found = letter_of("shop.events", row, "invalid_json", "not JSON")
    assert found.event_id() == "shop.events/2/7"
    return found.headers, found.record_key, found.value, found.detail


def encoded_bytes(row: FetchedRecord) -> int:
    key, value, headers = letter_of("shop.events", row, "invalid_json", "not JSON").encode()
    return len(key or b"") + len(value or b"") + sum(len(n) + len(v) for n, v in headers)


def test_it_carries_the_record_byte_for_byte() -> None:
    row = replace(ROW, value=b"\xff\x00", key=b"k")
    assert letter(row) == ({"delivery_id": "delivery-2-7"}, b"k", b"\xff\x00", "not JSON")


def test_the_largest_value_that_ingest_accepts_is_carried() -> None:
    row = replace(ROW, value=b"\xff" * MAX_VALUE_BYTES)
    assert letter(row)[2] == row.value
    assert encoded_bytes(row) < MAX_RECORD_BYTES


@pytest.mark.parametrize(
    "row",
    [
        replace(ROW, value=b"x" * MAX_RECORD_BYTES),
        replace(ROW, key=b"\xff" * MAX_RECORD_BYTES),
        replace(ROW, headers=(("delivery_id", b"\xff" * MAX_RECORD_BYTES),)),
        replace(ROW, headers=tuple((f"h{n}", b"\x00" * 100) for n in range(30_000))),
        replace(
            ROW,
            value=b"\xff" * MAX_VALUE_BYTES,
            headers=(("h", b"\x00" * (MAX_ASIDE_BYTES - 1)),),
        ),
        replace(
            ROW,
            value=b"\xff" * MAX_VALUE_BYTES,
            headers=(("ce_id", b"\x00" * (MAX_ASIDE_BYTES - 50)),),
        ),
    ],
    ids=["value", "key", "delivery id", "headers", "both as large as may be", "an id of its own"],
)
def test_it_always_fits_into_a_record(row: FetchedRecord) -> None:
    assert encoded_bytes(row) < MAX_RECORD_BYTES


def test_what_is_left_out_is_said() -> None:
    row = replace(ROW, value=b"x" * (MAX_VALUE_BYTES + 1), key=b"k" * (MAX_ASIDE_BYTES + 1))
    headers, key, value, detail = letter(row)
    assert (headers, key, value) == ({}, None, b"")
    assert detail.startswith("not JSON (value of 2621441 bytes left out) (key and headers of ")
