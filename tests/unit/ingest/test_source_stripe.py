"""What a Stripe event becomes: its type names the topic, data.object the key."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.sources.spec import Delivery, Fault, Malformed
from shared.sources.stripe.source import read

BODY = b"{}"

MAPPING = """
customer.created                          customers
customer.updated                          customers
customer.deleted                          customers
charge.succeeded                          charges
charge.failed                             charges
charge.refunded                           charges
charge.captured                           charges
charge.updated                            charges
charge.pending                            charges
charge.expired                            charges
charge.dispute.created                    disputes
charge.dispute.updated                    disputes
charge.dispute.closed                     disputes
charge.dispute.funds_withdrawn            disputes
charge.dispute.funds_reinstated           disputes
payment_intent.created                    payment_intents
payment_intent.succeeded                  payment_intents
payment_intent.payment_failed             payment_intents
payment_intent.canceled                   payment_intents
payment_intent.processing                 payment_intents
payment_intent.requires_action            payment_intents
payment_intent.amount_capturable_updated  payment_intents
invoice.created                           invoices
invoice.finalized                         invoices
invoice.paid                              invoices
invoice.payment_failed                    invoices
customer.subscription.created             subscriptions
customer.subscription.updated             subscriptions
customer.subscription.deleted             subscriptions
subscription.created                      subscriptions
refund.created                            refunds
refund.updated                            refunds
charge.refund.updated                     refunds
"""


def event(**fields: object) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "type": "charge.succeeded",
        "created": 1_700_000_000,
        "livemode": True,
        "api_version": "2024-12-18.acacia",
        "data": {"object": {"id": "ch_1"}},
        **fields,
    }


def delivery(**fields: object) -> Delivery:
    return read({}, event(**fields), BODY)


@pytest.mark.parametrize(
    ("event_type", "entity"), [line.split() for line in MAPPING.split("\n")[1:-1]]
)
def test_the_type_names_the_topic(event_type: str, entity: str) -> None:
    found = delivery(type=event_type)
    assert (found.topic, found.event_type) == (f"stripe.{entity}", event_type)
    assert found.expected


@pytest.mark.parametrize(
    ("event_type", "kept_as"),
    [
        ("payout.paid", "payout.paid"),
        ("charge", "charge"),
        ("x" * 257, "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        (7, "7"),
        ([], "unknown"),
    ],
)
def test_every_other_type_is_kept_among_the_events(event_type: object, kept_as: str) -> None:
    found = delivery(type=event_type)
    assert (found.topic, found.event_type, found.expected) == ("stripe.events", kept_as, False)


def test_the_envelope_of_the_vendor_is_kept() -> None:
    found = delivery(account="acct_1")
    assert (found.key, found.event_id) == ("ch_1", "evt_1")
    assert found.event_time == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert found.extensions == (
        ("livemode", "true"),
        ("apiversion", "2024-12-18.acacia"),
        ("account", "acct_1"),
    )
    assert found.answer == {"event_id": "evt_1"}


def test_an_object_without_id_has_the_events_id_as_key() -> None:
    assert delivery(data={"object": {"object": "balance"}}).key == "evt_1"


def test_an_event_without_id_has_the_hash_of_its_body() -> None:
    found = read({}, event(id=None), BODY)
    assert (found.event_id, found.key) == (hashlib.sha256(BODY).hexdigest(), "ch_1")


@pytest.mark.parametrize(
    "data",
    [None, {}, [], "x", {"object": None}, {"object": {}}, {"object": []}, {"object": "ch_1"}],
)
def test_an_event_without_object_is_malformed(data: object) -> None:
    with pytest.raises(Malformed, match=r"Event has no data\.object") as refused:
        delivery(data=data)
    assert refused.value.fault is Fault.MISSING_OBJECT
    assert refused.value.topic == "stripe.charges"


def test_an_event_about_nothing_with_an_id_is_malformed() -> None:
    with pytest.raises(Malformed) as refused:
        delivery(id={}, data={"object": {"amount": 1}})
    assert refused.value.fault is Fault.MISSING_ID


@pytest.mark.parametrize("created", [None, "now", 10**18, -(10**18), True, 1.5, {}])
def test_a_time_that_is_none_is_unknown(created: object) -> None:
    assert delivery(created=created).event_time is None
