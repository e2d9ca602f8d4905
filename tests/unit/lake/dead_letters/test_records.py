"""What is sent for a dead letter: where to, under which headers, under which delivery id."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from zlib import crc32

import pytest

from shared.lake.dead_letters.letters import UNREADABLE, Letter
from shared.lake.dead_letters.records import sendings
from shared.lake.dead_letters.replaying import delivery_id
from shared.runtime.errors import Refused
from shared.runtime.resending import Sending

AT = datetime(2026, 11, 24, 9, 30, 1, tzinfo=UTC)
PARTITIONS = {"shopify.orders": (0, 1, 2), "stripe.charges": (0, 1, 2)}

RECORD = Letter(
    id="shopify.orders/2/17",
    place=("dlq.ingestion-errors", 0, 4),
    stage="processing",
    service="stream_writer",
    reason="invalid_json",
    detail="not JSON",
    topic="shopify.orders",
    partition=2,
    offset=17,
    delivery_id="01a20ce4-0a70-7b15-9d5f-2f8e4c1b7a03",
    vendor_event_id="event-1",
    failed_at=AT,
    received_at=AT,
    loaded_at=AT,
    headers={
        "ce_id": "event-1",
        "ce_type": "orders/create",
        "delivery_id": "01a20ce4-0a70-7b15-9d5f-2f8e4c1b7a03",
        "received_at": "2026-11-24T09:30:01.000000Z",
    },
    record_key=b"17",
    value=b'{"id": 17',
    size=9,
    left_out=False,
    origin=None,
)
CHARGE = {
    "id": "evt_1",
    "object": "event",
    "type": "charge.succeeded",
    "created": 1_764_000_000,
    "data": {"object": {"id": "ch_1", "object": "charge"}},
}
REQUEST = replace(
    RECORD,
    id="01a20ce3-5fbc-7a30-b6e2-90d4f1ce5b88",
    stage="receiving",
    reason="missing_object",
    topic="stripe.charges",
    partition=None,
    offset=None,
    delivery_id="01a20ce3-5fbc-7a30-b6e2-90d4f1ce5b88",
    headers={"content-type": "application/json"},
    record_key=None,
    value=json.dumps({**CHARGE, "data": {}}).encode(),
)


def one(letter: Letter, given: bytes | None = None) -> Sending:
    (found,) = sendings(letter, PARTITIONS, given)
    return found


class TestARecord:
    def test_goes_where_it_stood_byte_for_byte(self) -> None:
        sent = one(RECORD)
        assert (sent.topic, sent.partition, sent.key) == ("shopify.orders", 2, b"17")
        assert (sent.value, sent.edited) == (b'{"id": 17', False)

    def test_keeps_its_headers_and_says_which_letter_it_is_of(self) -> None:
        headers = dict(one(RECORD).headers)
        assert headers["ce_id"] == b"event-1"
        assert headers["received_at"] == b"2026-11-24T09:30:01.000000Z"
        assert headers["ce_replayedfrom"] == b"shopify.orders/2/17"
        assert headers["may_repeat"] == b"1"
        assert headers["delivery_id"] == one(RECORD).delivery_id.encode()
        assert len(headers) == len(one(RECORD).headers), "no header twice"

    def test_a_replay_of_a_replay_names_the_later_letter_only(self) -> None:
        again = replace(RECORD, headers={**RECORD.headers, "ce_replayedfrom": "shopify.orders/2/3"})
        headers = one(again).headers
        assert [v for n, v in headers if n == "ce_replayedfrom"] == [b"shopify.orders/2/17"]

    def test_that_the_broker_never_took_goes_to_the_partition_of_its_key(self) -> None:
        unsent = replace(RECORD, id="its delivery id", stage="sending", partition=None, offset=None)
        sent = one(unsent)
        assert (sent.topic, sent.partition) == ("shopify.orders", crc32(b"17") % 3)
        assert (sent.key, sent.value, sent.edited) == (b"17", b'{"id": 17', False)
        assert dict(sent.headers)["ce_id"] == b"event-1"

    def test_corrected_bytes_are_another_delivery_of_the_same_letter(self) -> None:
        corrected = one(RECORD, b'{"id": 17}')
        assert (corrected.value, corrected.edited) == (b'{"id": 17}', True)
        assert corrected.delivery_id != one(RECORD).delivery_id
        assert dict(corrected.headers)["ce_replayedfrom"] == b"shopify.orders/2/17"

    @pytest.mark.parametrize(
        ("letter", "what"),
        [
            (replace(RECORD, topic="dlq.ingestion-errors"), "no table is filled"),
            (replace(RECORD, topic="nowhere"), "no table is filled"),
            (replace(RECORD, partition=7), "no partition 7"),
            (replace(RECORD, left_out=True), "too large"),
            (replace(RECORD, stage=UNREADABLE), "no dead letter"),
        ],
    )
    def test_what_cannot_be_sent_is_refused(self, letter: Letter, what: str) -> None:
        with pytest.raises(Refused, match=what):
            sendings(letter, PARTITIONS)

    def test_what_was_left_out_may_be_given(self) -> None:
        assert one(replace(RECORD, left_out=True, value=b""), b"{}").value == b"{}"


class TestARequest:
    def test_that_is_still_malformed_is_refused_with_the_reason(self) -> None:
        with pytest.raises(Refused, match=r"still is: Event has no data\.object"):
            sendings(REQUEST, PARTITIONS)

    def test_corrected_it_goes_where_ingest_would_have_put_it(self) -> None:
        body = json.dumps(CHARGE).encode()
        sent = one(REQUEST, body)
        headers = dict(sent.headers)
        assert (sent.topic, sent.key, sent.value) == ("stripe.charges", b"ch_1", body)
        assert sent.partition == crc32(b"ch_1") % 3
        assert (headers["ce_id"], headers["ce_type"]) == (b"evt_1", b"charge.succeeded")
        assert headers["ce_source"] == b"stripe"
        assert headers["ce_replayedfrom"] == REQUEST.id.encode()

    @pytest.mark.parametrize("body", [b"a=1&b=2", b"[1]", b"\xff"])
    def test_it_must_be_a_json_object(self, body: bytes) -> None:
        with pytest.raises(Refused, match="no JSON"):
            sendings(REQUEST, PARTITIONS, body)


class TestDeliveryIds:
    def test_the_same_bytes_of_a_letter_have_the_same_one(self) -> None:
        assert delivery_id(RECORD, b"x") == delivery_id(RECORD, b"x")

    def test_all_else_has_another(self) -> None:
        found = {
            delivery_id(RECORD, b"x"),
            delivery_id(RECORD, b"y"),
            delivery_id(RECORD, b"x", 1),
            delivery_id(replace(RECORD, id="shopify.orders/2/18"), b"x"),
            delivery_id(replace(RECORD, delivery_id="of another log"), b"x"),
            delivery_id(replace(RECORD, delivery_id=None), b"x"),
        }
        assert len(found) == 6

    def test_they_are_version_7_and_of_the_time_of_the_failure(self) -> None:
        found = delivery_id(RECORD, b"x")
        assert (found[14], found[19] in "89ab", len(found)) == ("7", True, 36)
        milliseconds = int(found.replace("-", "")[:12], 16)
        assert milliseconds == int(AT.timestamp() * 1000)
