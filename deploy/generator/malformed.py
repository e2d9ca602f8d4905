"""Deliveries that must be refused: each is a good one with one thing wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from deploy.generator.delivery import Delivery, Kind, Signature, Source
from deploy.generator.payload import stripe_json


def _unusable(body: Callable[[bytes], bytes]) -> Callable[[Delivery], Delivery]:
    """Signed, but the body cannot be used: refused with 400 and kept as a dead letter."""
    return lambda good: replace(
        good, body=body(good.body), kind=Kind.MALFORMED, status=400, dead_letter=True
    )


def _unsigned(signature: Signature) -> Callable[[Delivery], Delivery]:
    """Not proven to be the vendor's: refused with 401, and nothing of it is kept."""
    return lambda good: replace(good, kind=Kind.MALFORMED, status=401, signature=signature)


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
        ("shopify", "no id"): _unusable(lambda _: b"{}"),
        ("hubspot", "truncated JSON"): _unusable(lambda body: body[: len(body) // 2]),
        ("mailchimp", "wrong secret"): _unsigned(Signature.WRONG),
        ("hubspot", "wrong signature"): _unsigned(Signature.WRONG),
        ("mailchimp", "missing secret"): _unsigned(Signature.MISSING),
        ("hubspot", "stale signature"): _unsigned(Signature.STALE),
        ("stripe", "truncated JSON"): _unusable(lambda body: body[: len(body) // 2]),
    }
)
"""Vendor and name of the fault → how it is made from a good delivery; vendors take turns."""
