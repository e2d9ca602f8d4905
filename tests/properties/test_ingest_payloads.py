"""For any JSON object: a source reads it or calls it malformed, and its record can be written."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.envelope import Envelope
from shared.sources.attributes import MAX_CHARACTERS
from shared.sources.shopify.source import SOURCE as SHOPIFY
from shared.sources.spec import Delivery, Malformed
from shared.sources.stripe.source import SOURCE as STRIPE
from shared.sources.topics import TOPICS

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
interesting = st.sampled_from(
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "charge.failed", "2024-W01-1"]
)
values = json_values | interesting
headers = st.dictionaries(
    st.sampled_from(SHOPIFY.kept_headers),
    # aiohttp decodes bytes that are no UTF-8 to lone surrogates.
    st.text(st.characters() | st.characters(categories=["Cs"])) | interesting,
)


[CUSTOMERS] = [one for one in SHOPIFY.endpoints if one.path.endswith("/customers")]
[EVENTS] = STRIPE.endpoints


def check(delivery: object) -> None:
    assert isinstance(delivery, Delivery)
    record = Envelope(
        id=delivery.event_id,
        type=delivery.event_type,
        source="any",
        time=delivery.event_time,
        subject=delivery.key,
        extensions=delivery.extensions,
    ).headers()
    assert delivery.topic in TOPICS
    assert delivery.key
    assert delivery.event_id
    assert delivery.event_type
    for name, value in record:
        text = value.decode()
        assert text
        assert text.isprintable()
        assert len(text) <= MAX_CHARACTERS
        assert name.removeprefix("ce_").isalnum()


@given(
    payload=st.fixed_dictionaries(
        {}, optional={"id": values, "updated_at": values, "created_at": values, "customer": values}
    ),
    headers=headers,
)
def test_shopify(payload: dict[str, Any], headers: dict[str, str]) -> None:
    try:
        delivery = CUSTOMERS.read(headers, payload, b"body")
    except Malformed:
        return
    check(delivery)


@given(
    payload=st.fixed_dictionaries(
        {},
        optional={
            "id": values,
            "type": values,
            "created": values,
            "api_version": values,
            "livemode": values,
            "account": values,
            "data": values | st.fixed_dictionaries({"object": values | st.just({"id": 1})}),
        },
    )
)
def test_stripe(payload: dict[str, Any]) -> None:
    try:
        delivery = EVENTS.read({}, payload, b"body")
    except Malformed:
        return
    check(delivery)
