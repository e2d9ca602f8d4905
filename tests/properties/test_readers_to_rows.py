"""Whatever a signed event holds: it is malformed, or it is a row that says what the source read.

Nothing else may come of it: an exception would be a 500, which a vendor repeats for days, and a
record that cannot be parsed would be a row without columns.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from services.ingest.limits.shapes import ANY_SHAPE
from services.ingest.payload import Event, Unreadable, events
from services.stream_writer.parsing.rows import parse
from shared.contracts.envelope import Envelope
from shared.sources.attributes import MAX_CHARACTERS
from shared.sources.registry import SOURCES
from shared.sources.spec import Delivery, Endpoint, Malformed, SourceSpec
from shared.tables.registry import table_of_topic
from tests.properties.payloads import record_values
from tests.support.records import FetchedRecord

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ENDPOINTS = [(source, one) for source in SOURCES.values() for one in source.endpoints]

odd_texts = st.sampled_from(["", " ", "x" * 300, "\0", "é", "2024-01-15T10:30:00z", "7"])
odd_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | odd_texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(odd_texts, inner, max_size=2),
    max_leaves=4,
)
_NAMES = """
id type created updated_at created_at customer shop_id data fired_at event_id action timestamp
subscriptionType objectTypeId objectId portalId subscriptionId eventId occurredAt properties
livemode account api_version email_address campaign_id
"""
NAMES = _NAMES.split()
"""Members that some reader looks at."""


def types_of(source: SourceSpec) -> st.SearchStrategy[str]:
    known = [event_type for entity in source.entities for event_type in entity.event_types]
    return st.sampled_from([*known, "another.type", "object.creation", "é"])


def event(data: st.DataObject, source: SourceSpec, endpoint: Endpoint) -> bytes:
    """An event as its table expects it, nearly so, or not at all; with a type and an id or not."""
    spec = table_of_topic(data.draw(st.sampled_from(endpoint.topics)))
    body = data.draw(record_values(spec)) or b""
    first: dict[str, Any] = {}
    if data.draw(st.booleans()):
        first[data.draw(st.sampled_from(["type", "subscriptionType"]))] = data.draw(
            types_of(source)
        )
    named = st.sampled_from(NAMES)
    first |= data.draw(st.dictionaries(named, odd_values | st.integers(1, 9), max_size=4))
    members = orjson.dumps(first)[1:-1]
    rest = body.partition(b"{")[2]
    if not members or body[:1] != b"{":
        return body
    return b"{" + members + (b"" if rest.lstrip()[:1] == b"}" else b",") + rest


@pytest.mark.parametrize(
    ("source", "endpoint"), ENDPOINTS, ids=[endpoint.path for _, endpoint in ENDPOINTS]
)
@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_a_signed_event_is_malformed_or_a_row(
    source: SourceSpec, endpoint: Endpoint, data: st.DataObject
) -> None:
    body = event(data, source, endpoint)
    names = st.sampled_from([*source.kept_headers, source.signature.carrier, "traceparent"])
    headers = CIMultiDict(data.draw(st.dictionaries(names, odd_texts | types_of(source))))
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    if not isinstance(payload, dict):
        return
    read: Delivery | Sequence[Delivery] = ()
    malformed: Malformed | None = None
    try:
        read = endpoint.read(headers, payload, body)
    except Malformed as error:
        malformed = error
    if malformed is not None:
        assert malformed.topic is None or malformed.topic in endpoint.topics
        assert malformed.detail
    for delivery in (read,) if isinstance(read, Delivery) else read:
        assert delivery.topic in endpoint.topics
        check_row(source, delivery, body if delivery.value is None else delivery.value, payload)


def check_row(
    source: SourceSpec, delivery: Delivery, value: bytes, payload: dict[str, Any]
) -> None:
    headers = Envelope(
        id=delivery.event_id,
        type=delivery.event_type,
        source=source.name,
        time=delivery.event_time,
        subject=delivery.key,
        received_at=NOW,
        delivery_id="019b7d6c-5e1d-7000-8000-000000000001",
        extensions=delivery.extensions,
    ).headers()
    for _, text in headers:
        assert 0 < len(text.decode()) <= MAX_CHARACTERS
    record = FetchedRecord(value, key=delivery.key.encode(), headers=tuple(headers))
    rows = parse(table_of_topic(delivery.topic), delivery.topic, [record], NOW)
    [row] = rows.table.to_pylist()
    assert row["_error"] is None
    assert row["_payload"] == value.decode()
    assert (row["_key"], row["_event_id"]) == (delivery.key, delivery.event_id)
    assert (row["_event_type"], row["_event_time"]) == (delivery.event_type, delivery.event_time)
    assert json.loads(row["_attributes"] or "{}") == dict(delivery.extensions)
    held = orjson.loads(value)
    for name, given_ in payload.items():
        assert held[name] == given_ or given_ != given_, "what was received is all there"


_PIECES = """
{ } [ ] , : " \\ null true 1e400 -0 "id" "type" {"id":1} [{}] {"data":{}} \\ud800
data[a][b]=1 & = %FF %7B + [] data[] type=subscribe &data[email]=a%40b fired_at= 9223372036854775808
"""
pieces = st.lists(
    st.sampled_from(_PIECES.split()).map(str.encode) | st.binary(max_size=4), max_size=12
).map(b"".join)


@pytest.mark.parametrize(
    ("source", "endpoint"), ENDPOINTS, ids=[endpoint.path for _, endpoint in ENDPOINTS]
)
@settings(deadline=None)
@given(
    body=pieces,
    content_type=st.sampled_from(
        ["application/json", "application/x-www-form-urlencoded", "text/plain", "", "é"]
    ),
)
def test_a_body_of_any_bytes_is_malformed_or_events(
    source: SourceSpec, endpoint: Endpoint, body: bytes, content_type: str
) -> None:
    headers = CIMultiDict({"Content-Type": content_type})
    found: list[Event | Unreadable] = []
    with contextlib.suppress(Malformed):
        found = events(endpoint, ANY_SHAPE, headers, body)
    for each in found:
        if isinstance(each, Unreadable):
            assert each.original in body
            continue
        with contextlib.suppress(Malformed):
            read = endpoint.read(headers, each.payload, each.body)
            for delivery in (read,) if isinstance(read, Delivery) else read:
                value = each.body if delivery.value is None else delivery.value
                check_row(source, delivery, value, each.payload)
