"""Shopify: the endpoint names the topic, headers name the event, the payload holds the id.

Source: shopify.dev, "Webhook HTTP headers" and "Mandatory compliance webhooks".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from multidict import istr

from services.ingest.problem import MISSING_ID
from services.ingest.signatures.shopify import HEADER, ShopifyVerifier
from services.ingest.signatures.verifier import Headers
from services.ingest.sources.attributes import attribute, iso_moment
from services.ingest.sources.endpoint import (
    UNKNOWN_TYPE,
    Delivery,
    Endpoint,
    Malformed,
    Payload,
    Source,
)

# Header mappings find a prepared name without folding its case again.
TOPIC_HEADER = istr("X-Shopify-Topic")
_EVENT_ID = istr("X-Shopify-Event-Id")
_WEBHOOK_ID = istr("X-Shopify-Webhook-Id")
_TRIGGERED_AT = istr("X-Shopify-Triggered-At")

VENDOR_TOPICS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "orders": frozenset(
            {
                "orders/create",
                "orders/updated",
                "orders/cancelled",
                "orders/fulfilled",
                "orders/partially_fulfilled",
                "orders/paid",
                "orders/edited",
                "orders/delete",
            }
        ),
        "customers": frozenset(
            {
                "customers/create",
                "customers/update",
                "customers/enable",
                "customers/disable",
                "customers/delete",
                "customers/redact",
                "customers/data_request",
                "shop/redact",
            }
        ),
        "products": frozenset({"products/create", "products/update", "products/delete"}),
    }
)
"""Entity → vendor topics meant for its endpoint."""

_EXTENSIONS = (
    ("shopdomain", istr("X-Shopify-Shop-Domain")),
    ("apiversion", istr("X-Shopify-API-Version")),
    ("webhookid", _WEBHOOK_ID),
    ("triggeredat", _TRIGGERED_AT),
)


def read(entity: str, headers: Headers, payload: Payload, body: bytes) -> Delivery:
    """The delivery in a Shopify webhook.

    Raises:
        Malformed: the payload has no usable id.
    """
    topic = f"shopify.{entity}"
    event_type = attribute(headers.get(TOPIC_HEADER)) or UNKNOWN_TYPE
    key, where = _business_id(event_type, payload)
    if key is None:
        raise Malformed(MISSING_ID, f"a {event_type} payload needs {where}", topic)
    event_id = (
        attribute(headers.get(_EVENT_ID))
        or attribute(headers.get(_WEBHOOK_ID))
        or hashlib.sha256(body).hexdigest()
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
        expected=event_type in VENDOR_TOPICS[entity],
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


SHOPIFY = Source(
    name="shopify",
    endpoints=tuple(
        Endpoint(
            path=f"/webhooks/shopify/{entity}",
            summary=f"Take in a Shopify {entity} webhook.",
            topics=(f"shopify.{entity}",),
            read=partial(read, entity),
        )
        for entity in VENDOR_TOPICS
    ),
    signature_header=HEADER,
    verifier=ShopifyVerifier,
    headers=(
        TOPIC_HEADER,
        _EVENT_ID,
        *(header for _, header in _EXTENSIONS),
    ),
)
