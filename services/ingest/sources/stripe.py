"""Stripe: one endpoint; the event's type names the topic, ``data.object`` what it is about.

Source: docs.stripe.com, "The Event object" and "Types of events".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from services.ingest.problem import MISSING_ID, MISSING_OBJECT
from services.ingest.signatures.stripe import HEADER, StripeVerifier
from services.ingest.signatures.verifier import Headers
from services.ingest.sources.attributes import attribute, unix_moment
from services.ingest.sources.endpoint import (
    UNKNOWN_TYPE,
    Delivery,
    Endpoint,
    Malformed,
    Payload,
    Source,
)

OTHER_EVENTS = "stripe.events"
"""Topic of every type that has none of its own."""

TYPES_OF_TOPIC: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "stripe.customers": ("customer.created", "customer.updated", "customer.deleted"),
        "stripe.charges": (
            "charge.succeeded",
            "charge.failed",
            "charge.refunded",
            "charge.captured",
            "charge.updated",
            "charge.pending",
            "charge.expired",
        ),
        "stripe.disputes": (
            "charge.dispute.created",
            "charge.dispute.updated",
            "charge.dispute.closed",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.funds_reinstated",
        ),
        "stripe.payment_intents": (
            "payment_intent.created",
            "payment_intent.succeeded",
            "payment_intent.payment_failed",
            "payment_intent.canceled",
            "payment_intent.processing",
            "payment_intent.requires_action",
            "payment_intent.amount_capturable_updated",
        ),
        "stripe.invoices": (
            "invoice.created",
            "invoice.finalized",
            "invoice.paid",
            "invoice.payment_failed",
        ),
        "stripe.subscriptions": (
            "customer.subscription.created",
            "customer.subscription.updated",
            "customer.subscription.deleted",
            # Not a type of the vendor's, but test senders use it.
            "subscription.created",
        ),
        "stripe.refunds": ("refund.created", "refund.updated", "charge.refund.updated"),
    }
)

TOPIC_OF_TYPE: Mapping[str, str] = MappingProxyType(
    {type_: topic for topic, types in TYPES_OF_TOPIC.items() for type_ in types}
)


def read(_: Headers, payload: Payload, body: bytes) -> Delivery:
    """The delivery in a Stripe event.

    Raises:
        Malformed: ``data.object`` is missing, empty or no object, or nothing has an id.
    """
    event_type = attribute(payload.get("type")) or UNKNOWN_TYPE
    topic = TOPIC_OF_TYPE.get(event_type, OTHER_EVENTS)
    data = payload.get("data")
    resource = data.get("object") if isinstance(data, dict) else None
    if not isinstance(resource, dict) or not resource:
        raise Malformed(MISSING_OBJECT, "Event has no data.object", topic)
    vendor_id = attribute(payload.get("id"))
    key = attribute(resource.get("id")) or vendor_id
    if key is None:
        raise Malformed(MISSING_ID, "neither data.object.id nor id of the event is usable", topic)
    event_id = vendor_id or hashlib.sha256(body).hexdigest()
    livemode = payload.get("livemode")
    extensions = []
    if isinstance(livemode, bool):
        extensions.append(("livemode", "true" if livemode else "false"))
    if (api_version := attribute(payload.get("api_version"))) is not None:
        extensions.append(("apiversion", api_version))
    if (account := attribute(payload.get("account"))) is not None:
        extensions.append(("account", account))
    return Delivery(
        topic=topic,
        key=key,
        event_id=event_id,
        event_type=event_type,
        event_time=unix_moment(payload.get("created")),
        answer={"event_id": event_id},
        extensions=tuple(extensions),
        expected=topic != OTHER_EVENTS,
    )


STRIPE = Source(
    name="stripe",
    endpoints=(
        Endpoint(
            path="/webhooks/stripe/webhook",
            summary="Take in a Stripe event of any type.",
            topics=(OTHER_EVENTS, *TYPES_OF_TOPIC),
            read=read,
        ),
    ),
    signature_header=HEADER,
    verifier=StripeVerifier,
    headers=("User-Agent",),
)
