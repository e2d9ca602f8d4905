"""Faulty deliveries: each is a good one with one thing wrong.

Most must be refused; where only a part is wrong, the rest must be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import orjson

from deploy.generator.delivery import Delivery, Kind, Signature, Source
from deploy.generator.payload import compact_json, stripe_json


def _unusable(body: Callable[[bytes], bytes]) -> Callable[[Delivery], Delivery]:
    """Signed, but the body cannot be used: refused with 400 and kept as a dead letter."""

    def spoil(good: Delivery) -> Delivery:
        spoilt = body(good.body)
        return replace(
            good, body=spoilt, kind=Kind.MALFORMED, status=400, events=0, dead_letters=(spoilt,)
        )

    return spoil


def _unsigned(signature: Signature) -> Callable[[Delivery], Delivery]:
    """Not proven to be the vendor's: refused with 401, and nothing of it is kept."""
    return lambda good: replace(
        good, kind=Kind.MALFORMED, status=401, events=0, signature=signature
    )


def _one_without_object(good: Delivery) -> Delivery:
    """An array in which one event names no object: the others are kept, it is a dead letter."""
    events = orjson.loads(good.body)
    wrong = {
        "eventId": events[0]["eventId"],
        "subscriptionId": events[0]["subscriptionId"],
        "portalId": events[0]["portalId"],
        "occurredAt": events[0]["occurredAt"],
        "subscriptionType": "contact.propertyChange",
        "attemptNumber": 0,
        "propertyName": "jobtitle",
        "propertyValue": "Buyer",
    }
    return replace(
        good,
        body=compact_json([*events, wrong]),
        kind=Kind.MALFORMED,
        dead_letters=(compact_json(wrong),),
    )


def _mode_in_words(good: Delivery) -> Delivery:
    """A value that fits no column of its table: kept whole, and told in ``_drift``."""
    event = orjson.loads(good.body)
    event["id"] = event_id = f"{event['id']}_words"
    event["livemode"] = "certainly"
    return replace(
        good, body=stripe_json(event), event_id=event_id, kind=Kind.MALFORMED, drift=True
    )


def _order_without_id(good: Delivery) -> Delivery:
    """An order, as nothing else must have an id."""
    headers = {**dict(good.headers), "X-Shopify-Topic": "orders/updated"}
    order = replace(
        good,
        path="/webhooks/shopify/orders",
        topic="shopify.orders",
        event_type="orders/updated",
        headers=tuple(headers.items()),
    )
    return _unusable(lambda _: b"{}")(order)


def _no_type(good: Delivery) -> Delivery:
    """A form that says nothing of what happened: refused, and kept as it came."""
    spoilt = b"data[email]=ada%40example.com&data[list_id]=a1"
    return replace(
        good,
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        body=spoilt,
        kind=Kind.MALFORMED,
        status=400,
        events=0,
        dead_letters=(spoilt,),
    )


def _break_utf8(body: bytes) -> bytes:
    """A Latin-1 letter inside the first string."""
    at = body.index(b'"') + 1
    return body[:at] + b"\xe9" + body[at:]


FAULTS: Mapping[tuple[Source, str], Callable[[Delivery], Delivery]] = MappingProxyType(
    {
        ("shopify", "bad UTF-8"): _unusable(_break_utf8),
        ("stripe", "empty data.object"): _unusable(
            lambda _: stripe_json(
                {"id": "evt_empty", "type": "charge.updated", "data": {"object": {}}}
            )
        ),
        ("shopify", "truncated JSON"): _unusable(lambda body: body[: len(body) // 2]),
        ("stripe", "wrong signature"): _unsigned(Signature.WRONG),
        ("shopify", "array body"): _unusable(lambda body: b"[" + body + b"]"),
        ("stripe", "data is null"): _unusable(
            lambda _: stripe_json({"id": "evt_null", "type": "charge.updated", "data": None})
        ),
        ("shopify", "wrong signature"): _unsigned(Signature.WRONG),
        ("stripe", "bad UTF-8"): _unusable(_break_utf8),
        ("shopify", "missing signature"): _unsigned(Signature.MISSING),
        ("stripe", "stale signature"): _unsigned(Signature.STALE),
        ("shopify", "no id"): _order_without_id,
        ("hubspot", "truncated JSON"): _unusable(lambda body: body[: len(body) // 2]),
        ("mailchimp", "wrong secret"): _unsigned(Signature.WRONG),
        ("hubspot", "wrong signature"): _unsigned(Signature.WRONG),
        ("mailchimp", "missing secret"): _unsigned(Signature.MISSING),
        ("hubspot", "stale signature"): _unsigned(Signature.STALE),
        ("stripe", "truncated JSON"): _unusable(lambda body: body[: len(body) // 2]),
        ("standard", "wrong signature"): _unsigned(Signature.WRONG),
        ("mailchimp", "no type"): _no_type,
        ("standard", "truncated JSON"): _unusable(lambda body: body[: len(body) // 2]),
        ("hubspot", "an event without object"): _one_without_object,
        ("standard", "stale signature"): _unsigned(Signature.STALE),
        ("stripe", "a value that fits no column"): _mode_in_words,
    }
)
"""Vendor and name of the fault → how it is made from a good delivery; vendors take turns."""
