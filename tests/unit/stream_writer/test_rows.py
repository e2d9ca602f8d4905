"""Records of a topic as rows: nothing is dropped, nothing is guessed, everything is said."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.stream_writer.parsing.rows import Rows, parse
from shared.lake.schema import arrow_schema
from shared.tables.registry import TABLES
from shared.tables.spec import TableSpec
from tests.support.hostile_values import HOSTILE
from tests.support.records import HEADERS, FetchedRecord, Headers, fetched

ORDERS = TABLES["raw.shopify_orders"]
CHARGES = TABLES["raw.stripe_charges"]
NOW = datetime(2026, 1, 2, 3, 4, 7, tzinfo=UTC)


def orders(*values: bytes | None) -> Rows:
    return parse(ORDERS, "shopify.orders", fetched(values), NOW)


def only_row(rows: Rows) -> dict[str, Any]:
    [row] = rows.table.to_pylist()
    return dict(row)


def row_of(record: FetchedRecord, spec: TableSpec = ORDERS) -> dict[str, Any]:
    return only_row(parse(spec, spec.topics[0], [record], NOW))


def with_header(name: str, value: bytes | None) -> Headers:
    return (*(header for header in HEADERS if header[0] != name), (name, value))


def test_an_order_fills_system_and_typed_columns() -> None:
    value = b"""{
        "id": 5000, "total_price": "12.30", "test": false, "note": "a\\nb",
        "created_at": "2026-01-02T03:04:05-05:00", "customer": {"id": 7, "tags": []}
    }"""
    row = row_of(FetchedRecord(value, offset=41, partition=3))
    filled = {name: value for name, value in row.items() if value is not None}
    assert filled == {
        "_topic": "shopify.orders",
        "_partition": 3,
        "_offset": 41,
        "_delivery_id": "019b7d6c-5e1d-7000-8000-000000000001",
        "_event_id": "evt-1",
        "_event_type": "orders/create",
        "_event_time": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        "_received_at": datetime(2026, 1, 2, 3, 4, 6, 7, tzinfo=UTC),
        "_loaded_at": NOW,
        "_source": "shopify",
        "_payload": value.decode(),
        "_replayed": False,
        "_key": "5000",
        "_timestamp": datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC),
        "id": 5000,
        "total_price": Decimal("12.30"),
        "test": False,
        "note": "a\nb",
        "created_at": datetime(2026, 1, 2, 8, 4, 5, tzinfo=UTC),
        "customer": '{"id": 7, "tags": []}',
        "customer_id": 7,
    }


def test_a_stripe_event_is_read_below_data_object() -> None:
    value = b'{"livemode":true,"data":{"object":{"id":"ch_1","amount":1250,"created":1767323045}}}'
    row = row_of(FetchedRecord(value), CHARGES)
    assert (row["id"], row["amount"], row["event_livemode"]) == ("ch_1", 1250, True)
    assert row["created"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_no_records_are_an_empty_table() -> None:
    rows = orders()
    assert rows.table.schema.equals(arrow_schema(ORDERS), check_metadata=True)
    assert (rows.table.num_rows, rows.bad, rows.drifted) == (0, [], 0)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty_value"),
        (b"", "empty_value"),
        (b"[1]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"id":1', "invalid_json"),
        (b'{"id":1}{"id":2}', "invalid_json"),
        (b'{"note":"\\ud800"}', "invalid_json"),
        (b"\xef\xbb\xbf{}", "invalid_json"),
        (b'{"note":"\xff"}', "not_utf8"),
        (b'{"a":' * 100_000, "too_deep"),
    ],
)
def test_a_bad_record_is_a_row_with_its_reason(value: bytes | None, reason: str) -> None:
    rows = orders(b'{"id":1}', value, b'{"id":3}')
    assert rows.table["id"].to_pylist() == [1, None, 3]
    assert rows.table["_error"].to_pylist() == [None, reason, None]
    assert [(bad.index, bad.reason) for bad in rows.bad] == [(1, reason)]
    assert rows.bad[0].detail
    kept = rows.table["_payload_bytes" if reason == "not_utf8" else "_payload"].to_pylist()[1]
    assert kept == (value.decode() if value is not None and reason != "not_utf8" else value)


def test_details_of_bad_records_show_no_payload() -> None:
    rows = orders(b'{"email":"ann@example.com"', b'"ann@example.com"', b'{"a":ann}', b"ann\xff")
    assert len(rows.bad) == 4
    assert not [bad for bad in rows.bad if "ann" in bad.detail]


def test_newlines_neither_split_nor_join_records() -> None:
    rows = orders(b'{"id":\n1}', b'{"id":', b"2}", b'{"id":3}\n{"id":4}', b'{"note":"\\n{}"}\n')
    assert rows.table["id"].to_pylist() == [1, None, None, None, None]
    assert rows.table["note"].to_pylist()[4] == "\n{}"
    assert [bad.index for bad in rows.bad] == [1, 2, 3]


def test_a_value_that_does_not_fit_is_null_and_named() -> None:
    rows = orders(b'{"id":"x","total_price":"1.005","created_at":"soon","name":"#1","note":null}')
    row = only_row(rows)
    assert (row["id"], row["total_price"], row["created_at"], row["name"]) == (
        None,
        None,
        None,
        "#1",
    )
    assert row["_drift"] == "created_at,id,total_price"
    assert (row["_error"], rows.bad, rows.drifted) == (None, [], 1)


def test_a_missing_parent_is_no_drift_and_a_wrong_one_is() -> None:
    rows = orders(b"{}", b'{"customer":null}', b'{"customer":{}}', b'{"customer":[1]}')
    assert rows.table["_drift"].to_pylist() == [None, None, None, "customer_id"]
    assert rows.table["customer"].to_pylist() == [None, None, "{}", "[1]"]


def test_of_equal_keys_the_last_counts() -> None:
    rows = orders(b'{"id":1,"id":2}', b'{"id":"x","id":2}', b'{"id":2,"\\u0069d":3}')
    assert rows.table["id"].to_pylist() == [2, 2, 3]
    assert rows.drifted == 0


def test_many_drifted_records_are_found_each() -> None:
    values = [b'{"total_price":"%s"}' % (b"x" if at % 7 == 0 else b"1.50") for at in range(3000)]
    rows = orders(*values)
    drift = rows.table["_drift"].to_pylist()
    assert [at for at, name in enumerate(drift) if name] == list(range(0, 3000, 7))
    assert rows.table["total_price"].null_count == rows.drifted == 429


def test_a_body_of_two_mebibytes_is_a_row() -> None:
    value = json.dumps({"id": 1, "note": "ü\n" * 2**18, "line_items": [{"id": 2}] * 2**16}).encode()
    row = only_row(orders(value))
    assert row["_payload"] == value.decode()
    assert (row["id"], len(row["note"])) == (1, 2**19)


def test_hostile_values_are_rows_in_order() -> None:
    rows = orders(*HOSTILE)
    assert rows.table["_offset"].to_pylist() == list(range(len(HOSTILE)))


def test_times_in_headers_that_are_no_moment_are_null_and_named() -> None:
    headers = tuple(
        (name, b"yesterday" if name in {"ce_time", "received_at"} else value)
        for name, value in HEADERS
    )
    row = row_of(FetchedRecord(b'{"id":"x"}', headers=headers, timestamp=2**62))
    assert (row["_event_time"], row["_received_at"], row["_timestamp"]) == (None, None, None)
    assert row["_drift"] == "_event_time,_received_at,_timestamp,id"


def test_headers_are_read_leniently() -> None:
    row = row_of(FetchedRecord(b"{}", headers=(), key=None, timestamp=-1))
    names = ("_delivery_id", "_event_id", "_event_time", "_attributes", "_key", "_timestamp")
    assert {row[name] for name in (*names, "_drift", "_error")} == {None}
    row = row_of(FetchedRecord(b"{}", headers=(("ce_id", b"\xff"), ("ce_type", None)), key=b"\xfe"))
    assert (row["_event_id"], row["_event_type"], row["_key"]) == ("�", None, "�")


def test_further_extension_attributes_are_kept_as_json() -> None:
    headers = (*with_header("ce_shopdomain", b"a.example"), ("ce_apiversion", b"2024-10"))
    row = row_of(FetchedRecord(b"{}", headers=headers))
    assert json.loads(row["_attributes"]) == {"shopdomain": "a.example", "apiversion": "2024-10"}


def test_a_payload_cannot_forge_system_columns() -> None:
    value = b'{"_offset":99,"_error":"x","_topic":"y","ce_id":"z","delivery_id":"w"}'
    assert row_of(FetchedRecord(value)) == row_of(FetchedRecord(b"{}")) | {
        "_payload": value.decode()
    }


def test_rows_keep_the_order_of_several_partitions() -> None:
    records = [
        replace(record, partition=place % 2, offset=place // 2)
        for place, record in enumerate(fetched([b'{"id":%d}' % number for number in range(6)]))
    ]
    table = parse(ORDERS, "shopify.orders", records, NOW).table
    assert table["_partition"].to_pylist() == [0, 1, 0, 1, 0, 1]
    assert table["_offset"].to_pylist() == [0, 0, 1, 1, 2, 2]
    assert table["id"].to_pylist() == list(range(6))
