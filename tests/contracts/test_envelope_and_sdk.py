"""Our encoder and the official CloudEvents SDK are interchangeable in Kafka's binary mode."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.envelope import Envelope, read, rfc3339

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(
    datetime.fromisoformat("0002-01-01"), datetime.fromisoformat("9998-01-01"), timezones=ZONES
)
RESERVED = {"specversion", "id", "type", "source", "time", "subject", "data", "partitionkey"}
RESERVED |= {"datacontenttype", "dataschema"}
EXTENSION_NAMES = st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True).filter(
    lambda name: name not in RESERVED
)
ENVELOPES = st.builds(
    Envelope,
    id=TEXT,
    type=TEXT,
    source=TEXT,
    time=st.none() | MOMENTS,
    subject=st.none() | TEXT,
    content_type=st.none() | st.sampled_from(["application/json", "application/json; v=1"]),
    extensions=st.dictionaries(EXTENSION_NAMES, TEXT, max_size=4).map(
        lambda pairs: tuple(pairs.items())
    ),
    received_at=st.none(),
    delivery_id=st.none(),
    traceparent=st.none(),
)


def _to_sdk(envelope: Envelope, data: object) -> CloudEvent:
    optional = {
        "time": envelope.time.astimezone(UTC) if envelope.time else None,
        "subject": envelope.subject,
        "datacontenttype": envelope.content_type,
    }
    attributes = {
        "specversion": "1.0",
        "id": envelope.id,
        "type": envelope.type,
        "source": envelope.source,
        **{name: value for name, value in optional.items() if value is not None},
        **dict(envelope.extensions),
    }
    return CloudEvent(attributes, data)  # type: ignore[arg-type]


@given(ENVELOPES)
def test_headers_are_those_that_the_sdk_writes(envelope: Envelope) -> None:
    written = to_binary(_to_sdk(envelope, {"a": 1}), JSONFormat()).headers
    ours = dict(envelope.headers())
    if envelope.time is None:
        del written["ce_time"]  # The SDK makes up the present for a time that it is not given.
    elif envelope.time.microsecond == 0:
        # The SDK leaves out a fraction of zero; we always write six digits, of equal width.
        assert ours.pop("ce_time") == written.pop("ce_time").replace(b"Z", b".000000Z")
    assert ours == written


@given(ENVELOPES)
def test_the_sdk_reads_our_headers_as_the_same_event(envelope: Envelope) -> None:
    value = b'{"a": 1}'
    event = from_binary(KafkaMessage(dict(envelope.headers()), b"key", value), JSONFormat())
    assert event.get_id() == envelope.id
    assert event.get_type() == envelope.type
    assert event.get_source() == envelope.source
    assert envelope.time is None or event.get_time() == envelope.time
    assert event.get_subject() == envelope.subject
    assert event.get_datacontenttype() == envelope.content_type
    assert event.get_specversion() == "1.0"
    for name, text in envelope.extensions:
        assert event.get_extension(name) == text


@given(ENVELOPES)
def test_we_read_what_the_sdk_writes(envelope: Envelope) -> None:
    message = to_binary(_to_sdk(envelope, {"a": 1}), JSONFormat())
    found = read(message.headers.items())
    assert found["ce_specversion"] == "1.0"
    assert found["ce_id"] == envelope.id
    assert found["ce_type"] == envelope.type
    assert found["ce_source"] == envelope.source
    assert found.get("ce_subject") == envelope.subject
    assert found.get("content-type") == envelope.content_type
    if envelope.time is not None:
        assert datetime.fromisoformat(found["ce_time"]) == envelope.time
    for name, text in envelope.extensions:
        assert found[f"ce_{name}"] == text


def test_our_own_headers_do_not_disturb_the_sdk() -> None:
    envelope = Envelope(
        id="1",
        type="orders/create",
        source="shopify",
        time=datetime(2026, 11, 24, 9, 29, tzinfo=UTC),
        content_type="application/json",
        received_at=datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
        delivery_id="01a20ce4-0a70-7b15-9d5f-2f8e4c1b7a04",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
    headers = dict(envelope.headers())
    assert headers.keys() >= {"received_at", "delivery_id", "traceparent"}
    event = from_binary(KafkaMessage(headers, None, b"{}"), JSONFormat())
    assert event.get_attributes().keys() == {
        "specversion",
        "id",
        "type",
        "source",
        "time",
        "datacontenttype",
    }


def test_a_payload_cannot_forge_an_attribute() -> None:
    forged = json.dumps({"ce_id": "2", "id": "2", "delivery_id": "2"}).encode()
    envelope = Envelope(id="1", type="t", source="s", content_type="application/json")
    event = from_binary(KafkaMessage(dict(envelope.headers()), None, forged), JSONFormat())
    assert event.get_id() == "1"
    assert "delivery_id" not in read(envelope.headers())


@given(MOMENTS, MOMENTS)
def test_timestamps_are_utc_and_sort_as_text(one: datetime, other: datetime) -> None:
    assert datetime.fromisoformat(rfc3339(one)) == one
    assert len(rfc3339(one)) == len("2026-01-02T03:04:05.000006Z")
    assert (rfc3339(one) < rfc3339(other)) == (one < other)


@given(st.lists(st.tuples(st.text(), st.binary())))
def test_reading_never_raises_on_foreign_headers(headers: list[tuple[str, bytes]]) -> None:
    assert read(headers).keys() == {name for name, _ in headers}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("a", b"1"), ("a", b"2")], {"a": "2"}),
        ([("a", b"\xff")], {"a": "\ufffd"}),
        ([("a", None)], {"a": ""}),
    ],
    ids=["the last of a name wins", "not UTF-8", "null header"],
)
def test_reading_foreign_headers(
    headers: list[tuple[str, bytes]], expected: dict[str, str]
) -> None:
    assert read(headers) == expected
