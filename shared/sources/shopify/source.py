"""Shopify: the endpoint names the topic, headers name the event, the payload holds the id.

Source: shopify.dev, "Webhook HTTP headers", "Verify webhook deliveries" and "Mandatory compliance
webhooks". The signature covers neither a time nor the headers: replays are left to de-duplication.
"""

from __future__ import annotations

from functools import partial

from multidict import istr

from shared.sources.attributes import attribute, body_hash, iso_moment
from shared.sources.shopify.examples import EXAMPLES
from shared.sources.shopify.tables import CUSTOMERS, ORDERS, PRODUCTS
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
)

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
)

_EXTENSIONS = (
    ("shopdomain", istr("X-Shopify-Shop-Domain")),
    ("apiversion", istr("X-Shopify-API-Version")),
    ("webhookid", _WEBHOOK_ID),
    ("triggeredat", _TRIGGERED_AT),
)


def read(
    topic: str, meant: frozenset[str], headers: Headers, payload: Payload, body: bytes
) -> Delivery:
    """The delivery in a Shopify webhook.

    Args:
        topic: logical topic of the endpoint.
        meant: the vendor's topics that are meant for it.
        headers, payload, body: see :data:`~shared.sources.spec.Reader`.

    Raises:
        Malformed: the payload has no usable id.
    """
    event_type = attribute(headers.get(TOPIC_HEADER)) or UNKNOWN_TYPE
    key, where = _business_id(event_type, payload)
    if key is None:
        raise Malformed(Fault.MISSING_ID, f"a {event_type} payload needs {where}", topic)
    event_id = (
        attribute(headers.get(_EVENT_ID)) or attribute(headers.get(_WEBHOOK_ID)) or body_hash(body)
    )
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
        expected=event_type in meant,
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
    return Endpoint(
        path=f"/webhooks/shopify/{things}",
        summary=f"Take in a Shopify {things} webhook.",
        topics=(entity.topic,),
        read=partial(read, entity.topic, frozenset(entity.event_types)),
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
