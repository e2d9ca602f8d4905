"""Stripe: one endpoint; the event's type names the topic, ``data.object`` what it is about.

Source: docs.stripe.com, "The Event object", "Types of events" and "Verify webhook signatures
manually".
"""

from __future__ import annotations

from shared.sources.attributes import attribute, body_hash, unix_moment
from shared.sources.signing import StripeSignature
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
from shared.sources.stripe import tables
from shared.sources.stripe.examples import EXAMPLES

OTHER_EVENTS = "stripe.events"
"""Topic of every type that has none of its own."""

ENTITIES = (
    Entity(
        topic="stripe.charges",
        key="charge id",
        description="Stripe charge.* events, whole envelope.",
        table=tables.CHARGES,
        event_types=(
            "charge.succeeded",
            "charge.failed",
            "charge.refunded",
            "charge.captured",
            "charge.updated",
            "charge.pending",
            "charge.expired",
        ),
    ),
    Entity(
        topic="stripe.customers",
        key="customer id",
        description="Stripe customer.* events, whole envelope.",
        table=tables.CUSTOMERS,
        event_types=("customer.created", "customer.updated", "customer.deleted"),
    ),
    Entity(
        topic="stripe.disputes",
        key="dispute id",
        description="Stripe charge.dispute.* events, whole envelope.",
        table=tables.DISPUTES,
        event_types=(
            "charge.dispute.created",
            "charge.dispute.updated",
            "charge.dispute.closed",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.funds_reinstated",
        ),
    ),
    Entity(
        topic="stripe.payment_intents",
        key="payment intent id",
        description="Stripe payment_intent.* events, whole envelope.",
        table=tables.PAYMENT_INTENTS,
        event_types=(
            "payment_intent.created",
            "payment_intent.succeeded",
            "payment_intent.payment_failed",
            "payment_intent.canceled",
            "payment_intent.processing",
            "payment_intent.requires_action",
            "payment_intent.amount_capturable_updated",
            "payment_intent.partially_funded",
        ),
    ),
    Entity(
        topic="stripe.invoices",
        key="invoice id, or the event id of an upcoming invoice",
        description="Stripe invoice.* events, whole envelope.",
        table=tables.INVOICES,
        event_types=(
            "invoice.created",
            "invoice.updated",
            "invoice.deleted",
            "invoice.finalized",
            "invoice.finalization_failed",
            "invoice.sent",
            "invoice.upcoming",
            "invoice.will_be_due",
            "invoice.overdue",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice.payment_failed",
            "invoice.payment_action_required",
            "invoice.marked_uncollectible",
            "invoice.voided",
        ),
    ),
    Entity(
        topic="stripe.subscriptions",
        key="subscription id",
        description="Stripe customer.subscription.* events, whole envelope.",
        table=tables.SUBSCRIPTIONS,
        event_types=(
            "customer.subscription.created",
            "customer.subscription.updated",
            "customer.subscription.deleted",
            "customer.subscription.paused",
            "customer.subscription.resumed",
            "customer.subscription.trial_will_end",
            "customer.subscription.pending_update_applied",
            "customer.subscription.pending_update_expired",
            # Not a type of the vendor's, but test senders use it.
            "subscription.created",
        ),
    ),
    Entity(
        topic="stripe.refunds",
        key="refund id",
        description="Stripe refund.* events, whole envelope.",
        table=tables.REFUNDS,
        event_types=(
            "refund.created",
            "refund.updated",
            "refund.failed",
            "charge.refund.updated",
        ),
    ),
    Entity(
        topic=OTHER_EVENTS,
        key="id of the object, or the event id",
        description="Stripe events of every other type, whole envelope.",
        table=tables.EVENTS,
        other_types=True,
    ),
)

TOPIC_OF_TYPE = topics_by_type(ENTITIES)


def read(_: Headers, payload: Payload, body: bytes) -> Delivery:
    """The delivery in a Stripe event; see :data:`~shared.sources.spec.Reader`.

    Raises:
        Malformed: ``data.object`` is missing, empty or no object, or nothing has an id.
    """
    event_type = attribute(payload.get("type")) or UNKNOWN_TYPE
    topic = TOPIC_OF_TYPE.get(event_type, OTHER_EVENTS)
    data = payload.get("data")
    resource = data.get("object") if isinstance(data, dict) else None
    if not isinstance(resource, dict) or not resource:
        raise Malformed(Fault.MISSING_OBJECT, "Event has no data.object", topic)
    vendor_id = attribute(payload.get("id"))
    key = attribute(resource.get("id")) or vendor_id
    if key is None:
        raise Malformed(
            Fault.MISSING_ID, "neither data.object.id nor id of the event is usable", topic
        )
    event_id = vendor_id or body_hash(body)
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


SOURCE = SourceSpec(
    name="stripe",
    title="Stripe",
    signature=StripeSignature(),
    endpoints=(
        Endpoint(
            path="/webhooks/stripe/webhook",
            summary="Take in a Stripe event of any type.",
            topics=(OTHER_EVENTS, *(e.topic for e in ENTITIES if e.topic != OTHER_EVENTS)),
            read=read,
        ),
    ),
    entities=ENTITIES,
    kept_headers=("User-Agent",),
    documentation=(
        "https://docs.stripe.com/api/events/types",
        "https://docs.stripe.com/webhooks#verify-manually",
    ),
    examples=EXAMPLES,
)
