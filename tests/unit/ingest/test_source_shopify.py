"""What a Shopify webhook becomes: topic and event by headers, key by payload."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.sources.shopify.source import SOURCE
from shared.sources.spec import Delivery, Fault, Malformed

BODY = b'{"id":1}'
READ = {endpoint.path.rpartition("/")[2]: endpoint.read for endpoint in SOURCE.endpoints}
VENDOR_TOPICS = [
    (entity.topic.removeprefix("shopify."), vendor_topic)
    for entity in SOURCE.entities
    for vendor_topic in entity.event_types
]


def delivery(
    entity: str, payload: dict[str, Any], vendor_topic: str | None = None, **headers: str
) -> Delivery:
    named = {f"X-Shopify-{name.replace('_', '-')}": value for name, value in headers.items()}
    if vendor_topic is not None:
        named["X-Shopify-Topic"] = vendor_topic
    found = READ[entity](named, payload, BODY)
    assert isinstance(found, Delivery)
    return found


@pytest.mark.parametrize("endpoint", READ)
@pytest.mark.parametrize(("entity", "vendor_topic"), VENDOR_TOPICS)
def test_every_vendor_topic_is_with_its_like_wherever_it_was_sent(
    entity: str, vendor_topic: str, endpoint: str
) -> None:
    payload = {"id": 7, "customer": {"id": 7}, "shop_id": 7}
    found = delivery(endpoint, payload, vendor_topic)
    assert (found.topic, found.event_type, found.key) == (f"shopify.{entity}", vendor_topic, "7")
    assert found.expected


@pytest.mark.parametrize("endpoint", READ)
@pytest.mark.parametrize(
    ("payload", "key"),
    [({"id": 7}, "7"), ({"inventory_item_id": 7}, "event"), ({"id": {}}, "event")],
)
def test_a_vendor_topic_that_nobody_declared_is_in_no_table_of_other_things(
    endpoint: str, payload: dict[str, Any], key: str
) -> None:
    found = delivery(endpoint, payload, "inventory_levels/update", Event_Id="event")
    assert (found.topic, found.event_type) == ("shopify.events", "inventory_levels/update")
    assert found.key == key
    assert not found.expected


@pytest.mark.parametrize("endpoint", READ)
@pytest.mark.parametrize("vendor_topic", [None, "", "\0"])
def test_no_vendor_topic_is_what_the_endpoint_is_for_and_counted(
    endpoint: str, vendor_topic: str | None
) -> None:
    found = delivery(endpoint, {"id": 1}, vendor_topic)
    assert (found.topic, found.event_type) == (f"shopify.{endpoint}", "unknown")
    assert not found.expected


@pytest.mark.parametrize(
    ("vendor_topic", "payload", "key"),
    [
        ("customers/redact", {"shop_id": 1, "customer": {"id": 42}}, "42"),
        ("customers/data_request", {"shop_id": 1, "customer": {"id": 43}}, "43"),
        ("shop/redact", {"shop_id": 1, "shop_domain": "a.example"}, "1"),
        ("customers/delete", {"id": 44}, "44"),
    ],
)
def test_privacy_topics_have_the_key_of_whom_they_are_about(
    vendor_topic: str, payload: dict[str, Any], key: str
) -> None:
    assert delivery("customers", payload, vendor_topic).key == key


@pytest.mark.parametrize(
    ("vendor_topic", "payload"),
    [
        ("customers/create", {}),
        ("customers/create", {"id": None}),
        ("customers/create", {"id": True}),
        ("customers/create", {"id": 1.8446744073709552e19}),
        ("customers/create", {"id": ""}),
        ("customers/create", {"id": " "}),
        ("customers/create", {"id": "x" * 257}),
        ("customers/create", {"id": "a\nb"}),
        ("customers/create", {"id": {"id": 1}}),
        ("customers/redact", {"id": 1}),
        ("customers/redact", {"customer": "42"}),
        ("shop/redact", {"id": 1}),
    ],
)
def test_a_payload_without_usable_id_is_malformed(
    vendor_topic: str, payload: dict[str, Any]
) -> None:
    with pytest.raises(Malformed) as refused:
        delivery("customers", payload, vendor_topic)
    assert refused.value.fault is Fault.MISSING_ID
    assert refused.value.topic == "shopify.customers"


def test_the_event_id_is_the_vendors_else_the_webhooks_else_the_bodys_hash() -> None:
    both = {"Event_Id": "event", "Webhook_Id": "webhook"}
    assert delivery("orders", {"id": 1}, **both).event_id == "event"
    assert delivery("orders", {"id": 1}, Webhook_Id="webhook").event_id == "webhook"
    assert delivery("orders", {"id": 1}).event_id == hashlib.sha256(BODY).hexdigest()


@pytest.mark.parametrize(
    ("triggered_at", "payload", "expected"),
    [
        (
            "2023-03-29T18:00:27.877041743Z",
            {"updated_at": "2020-01-01T00:00:00Z"},
            datetime(2023, 3, 29, 18, 0, 27, 877041, UTC),
        ),
        (
            None,
            {"updated_at": "2024-01-15T10:30:00-05:00", "created_at": "2020-01-01T00:00:00Z"},
            datetime(2024, 1, 15, 15, 30, tzinfo=UTC),
        ),
        (None, {"created_at": "2020-01-01T00:00:00Z"}, datetime(2020, 1, 1, tzinfo=UTC)),
        ("yesterday", {"updated_at": 7}, None),
        (None, {"updated_at": "2024-01-15T10:30:00"}, None),
        (None, {}, None),
    ],
)
def test_the_event_time_is_the_trigger_else_the_update_else_the_creation(
    triggered_at: str | None, payload: dict[str, Any], expected: datetime | None
) -> None:
    headers = {} if triggered_at is None else {"Triggered_At": triggered_at}
    assert delivery("orders", {"id": 1, **payload}, **headers).event_time == expected


def test_further_headers_become_extensions() -> None:
    found = delivery(
        "orders",
        {"id": 1},
        Shop_Domain="ada.example",
        API_Version="2024-10",
        Webhook_Id="w",
        Triggered_At="2024-01-15T10:30:00Z",
    )
    assert found.extensions == (
        ("shopdomain", "ada.example"),
        ("apiversion", "2024-10"),
        ("webhookid", "w"),
        ("triggeredat", "2024-01-15T10:30:00Z"),
    )


def test_the_routes_are_the_vendors() -> None:
    assert [endpoint.path for endpoint in SOURCE.endpoints] == [
        "/webhooks/shopify/orders",
        "/webhooks/shopify/customers",
        "/webhooks/shopify/products",
        "/webhooks/shopify/events",
    ]
