"""For any JSON object: a source reads it or calls it malformed, and its record can be written."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest import form
from shared.contracts.envelope import Envelope
from shared.sources.attributes import MAX_CHARACTERS
from shared.sources.hubspot.source import SOURCE as HUBSPOT
from shared.sources.mailchimp.source import SOURCE as MAILCHIMP
from shared.sources.spec import Delivery, Endpoint, Malformed, Payload, SourceSpec
from shared.sources.standard.source import SOURCE as STANDARD

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
odd = st.sampled_from(
    [
        "0001-01-01T00:00:00+14:00", "9999-12-31 23:59:59", "2009-03-26 21:35:57", "2024-W01-1",
        "subscribe", "upemail", "campaign", "open", "contact.merge", "object.creation", "0-1",
        "ada@example.com", "x" * 300, "\x00", "}", '{"', 1699999999123, 2**63, -(2**63), 1e308,
    ]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | texts | odd,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def objects(*names: str, nested: str = "", inside: tuple[str, ...] = ()) -> st.SearchStrategy[Any]:
    """Objects in which any of the names may be missing or hold anything."""
    members = dict.fromkeys(names, values)
    if nested:
        members[nested] = values | st.fixed_dictionaries({}, optional=dict.fromkeys(inside, values))
    return st.fixed_dictionaries({}, optional=members)


HUBSPOT_EVENTS = objects(
    *("subscriptionType", "objectTypeId", "eventId", "subscriptionId", "portalId", "occurredAt"),
    *("attemptNumber", "objectId", "id", "hs_object_id", "newObjectId", "fromObjectId"),
    nested="properties",
    inside=("hs_object_id", "email"),
)
MAILCHIMP_EVENTS = objects(
    *("type", "_webhook_event_type", "action", "fired_at", "event_id", "timestamp"),
    *("last_changed", "email_address", "subscriber_id", "campaign_id", "status"),
    nested="data",
    inside=("id", "email", "new_email", "list_id", "merges", "status", "subject"),
)
STANDARD_EVENTS = objects("type", "timestamp", nested="data", inside=("id",))


def read(
    endpoint: Endpoint, headers: dict[str, str], payload: Payload, body: bytes
) -> Delivery | Malformed:
    try:
        delivery = endpoint.read(headers, payload, body)
    except Malformed as malformed:
        return malformed
    assert isinstance(delivery, Delivery)
    return delivery


def check(source: SourceSpec, headers: dict[str, str], payload: Payload, body: bytes) -> None:
    [endpoint] = source.endpoints
    delivery = read(endpoint, headers, payload, body)
    topic = delivery.topic
    assert topic is None or topic in endpoint.topics
    if isinstance(delivery, Malformed):
        return
    record = Envelope(
        id=delivery.event_id,
        type=delivery.event_type,
        source=source.name,
        time=delivery.event_time,
        subject=delivery.key,
        extensions=delivery.extensions,
    ).headers()
    for _, value in record:
        text = value.decode()
        assert text.isprintable()
        assert 0 < len(text) <= MAX_CHARACTERS
    if delivery.value is not None:
        held = orjson.loads(delivery.value)
        assert {name: held[name] for name in payload} == payload, "what was received is all there"
    assert read(endpoint, headers, payload, body) == delivery


def of(source: SourceSpec) -> Callable[[dict[str, str], Any], None]:
    def checked(headers: dict[str, str], event: Any) -> None:
        body = orjson.dumps(event)
        check(source, headers, orjson.loads(body), body)

    return checked


# aiohttp decodes bytes that are no UTF-8 to lone surrogates.
headers_of_anybody = st.dictionaries(
    st.sampled_from(["webhook-id", "webhook-timestamp"]),
    st.text(st.characters() | st.characters(categories=["Cs"]), max_size=300),
)


@given(event=HUBSPOT_EVENTS)
def test_hubspot(event: Any) -> None:
    of(HUBSPOT)({}, event)


@given(event=MAILCHIMP_EVENTS)
def test_mailchimp(event: Any) -> None:
    of(MAILCHIMP)({}, event)


@given(event=STANDARD_EVENTS, headers=headers_of_anybody)
def test_standard(event: Any, headers: dict[str, str]) -> None:
    of(STANDARD)(headers, event)


_FORM_NAMES = """
type fired_at data data[id] data[email] data[new_email] data[list_id] data[merges][EMAIL]
data[merges][] data[merges] data[a][b][c] status [ x
"""
form_names = st.sampled_from(_FORM_NAMES.split())


@given(
    fields=st.lists(
        st.tuples(
            form_names, st.sampled_from(["subscribe", "campaign", "a%40b", "%7D", "%00", "+"])
        ),
        max_size=12,
    )
)
def test_a_form_of_mailchimps_is_read_like_the_json_of_its_fields(
    fields: list[tuple[str, str]],
) -> None:
    body = "&".join(f"{name}={value}" for name, value in fields).encode()
    try:
        payload = form.decode(body)
    except Malformed:
        return
    check(MAILCHIMP, {}, payload, orjson.dumps(payload))


@pytest.mark.parametrize("source", [HUBSPOT, MAILCHIMP, STANDARD], ids=lambda source: source.name)
def test_an_empty_object_is_no_surprise(source: SourceSpec) -> None:
    check(source, {}, {}, b"{}")
