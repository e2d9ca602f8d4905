"""Shopify: headers name the event and with it the topic, the payload holds the id.

Each kind of thing has an endpoint, but a subscription may point to any of them: what says of itself
that it is about something else is kept with its like, and what nobody declared in a table for all
of it, so that no table holds things of another kind. The signature covers neither a time nor the
headers: replays are left to de-duplication. Source: shopify.dev, "Webhook HTTP headers", "Verify
webhook deliveries" and "Mandatory compliance webhooks".
"""

from __future__ import annotations

from functools import partial

from multidict import istr

from shared.sources.attributes import attribute, body_hash, iso_moment
from shared.sources.shopify.examples import EXAMPLES
from shared.sources.shopify.tables import CUSTOMERS, EVENTS, ORDERS, PRODUCTS
from shared.sources.signing import BodyHmac
from shared.sources.spec import (
    UNKNOWN_TYPE,
    Delivery,
    Endpoint,
    Entity,
    Fault,
    Headers,
    Malformed,
    Payload,
    SourceSpec,
    topics_by_type,
)

OTHER_EVENTS = "shopify.events"
"""Topic of every vendor's topic that has none of its own."""

# Header mappings find a prepared name without folding its case again.
TOPIC_HEADER = istr("X-Shopify-Topic")
_EVENT_ID = istr("X-Shopify-Event-Id")
_WEBHOOK_ID = istr("X-Shopify-Webhook-Id")
_TRIGGERED_AT = istr("X-Shopify-Triggered-At")

ENTITIES = (
    Entity(
        topic="shopify.orders",
        key="order id",
        description="Shopify order webhooks as received.",
        table=ORDERS,
        event_types=(
            "orders/create",
            "orders/updated",
            "orders/cancelled",
            "orders/fulfilled",
            "orders/partially_fulfilled",
            "orders/paid",
            "orders/edited",
            "orders/delete",
        ),
    ),
    Entity(
        topic="shopify.customers",
        key="customer id",
        description="Shopify customer and privacy webhooks.",
        table=CUSTOMERS,
        event_types=(
            "customers/create",
            "customers/update",
            "customers/enable",
            "customers/disable",
            "customers/delete",
            "customers/redact",
            "customers/data_request",
            "shop/redact",
        ),
    ),
    Entity(
        topic="shopify.products",
        key="product id",
        description="Shopify product webhooks as received.",
        table=PRODUCTS,
        event_types=("products/create", "products/update", "products/delete"),
    ),
    Entity(
        topic=OTHER_EVENTS,
        key="id of the object, or the event id",
        description="Shopify webhooks of every other topic as received.",
        table=EVENTS,
        other_types=True,
    ),
)

TOPIC_OF_TYPE = topics_by_type(ENTITIES)

_EXTENSIONS = (
    ("shopdomain", istr("X-Shopify-Shop-Domain")),
    ("apiversion", istr("X-Shopify-API-Version")),
    ("webhookid", _WEBHOOK_ID),
    ("triggeredat", _TRIGGERED_AT),
)


def read(of_endpoint: str, headers: Headers, payload: Payload, body: bytes) -> Delivery:
    """The delivery in a Shopify webhook.

    Args:
        of_endpoint: logical topic of a webhook that does not say what it is about.
        headers, payload, body: see :data:`~shared.sources.spec.Reader`.

    Raises:
        Malformed: the payload has no usable id.
    """
    event_type = attribute(headers.get(TOPIC_HEADER))
    if event_type is None:
        event_type, topic = UNKNOWN_TYPE, of_endpoint
    else:
        topic = TOPIC_OF_TYPE.get(event_type, OTHER_EVENTS)
    event_id = (
        attribute(headers.get(_EVENT_ID)) or attribute(headers.get(_WEBHOOK_ID)) or body_hash(body)
    )
    key, where = _business_id(event_type, payload)
    if key is None:
        if topic != OTHER_EVENTS:
            raise Malformed(Fault.MISSING_ID, f"a {event_type} payload needs {where}", topic)
        key = event_id
    event_time = (
        iso_moment(headers.get(_TRIGGERED_AT))
        or iso_moment(payload.get("updated_at"))
        or iso_moment(payload.get("created_at"))
    )
    extensions = []
    for name, header in _EXTENSIONS:
        given = headers.get(header)
        if given is not None and (value := attribute(given)) is not None:
            extensions.append((name, value))
    return Delivery(
        topic=topic,
        key=key,
        event_id=event_id,
        event_type=event_type,
        event_time=event_time,
        answer={"id": key, "event_id": event_id},
        extensions=tuple(extensions),
        expected=event_type in TOPIC_OF_TYPE,
    )


def _business_id(event_type: str, payload: Payload) -> tuple[str | None, str]:
    """The record key and where it was looked for: privacy topics carry no ``id`` of their own."""
    if event_type in ("customers/redact", "customers/data_request"):
        customer = payload.get("customer")
        return (
            attribute(customer.get("id")) if isinstance(customer, dict) else None,
            "customer.id",
        )
    if event_type == "shop/redact":
        return attribute(payload.get("shop_id")), "shop_id"
    return attribute(payload.get("id")), "id"


def _endpoint(entity: Entity) -> Endpoint:
    things = entity.topic.removeprefix("shopify.")
    what = "webhook of any other topic" if entity.other_types else f"{things} webhook"
    return Endpoint(
        path=f"/webhooks/shopify/{things}",
        summary=f"Take in a Shopify {what}.",
        topics=(entity.topic, *(one.topic for one in ENTITIES if one is not entity)),
        read=partial(read, entity.topic),
    )


SOURCE = SourceSpec(
    name="shopify",
    title="Shopify",
    signature=BodyHmac(header="X-Shopify-Hmac-Sha256", encoding="base64"),
    endpoints=tuple(_endpoint(entity) for entity in ENTITIES),
    entities=ENTITIES,
    kept_headers=(TOPIC_HEADER, _EVENT_ID, *(header for _, header in _EXTENSIONS)),
    documentation=(
        "https://shopify.dev/docs/apps/build/webhooks",
        "https://shopify.dev/docs/apps/build/privacy-law-compliance",
    ),
    examples=EXAMPLES,
)
