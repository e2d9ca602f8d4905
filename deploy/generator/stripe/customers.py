"""Stripe's customer object (API 2024-12-18.acacia) and its new versions."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.payload import Payload
from deploy.generator.person import Person
from deploy.generator.variations import phone_as_typed


def address_of(person: Person) -> Payload:
    """A person's address in Stripe's shape."""
    home = person.address
    return {
        "city": home.city,
        "country": home.country_code,
        "line1": home.address1,
        "line2": home.address2,
        "postal_code": home.zip,
        "state": home.province_code,
    }


def customer(ids: IdSpace, rng: Chance, person: Person, *, shared: bool) -> Payload:
    """A new customer; the phone is kept for shared people, else for 60 %."""
    address = address_of(person)
    phone = person.phone if shared else rng.maybe(0.6, phone_as_typed(rng, person.phone))
    return {
        "id": f"cus_{ids.text(rng, 14)}",
        "object": "customer",
        "address": rng.maybe(0.9, address),
        "balance": rng.randint(-10_000, 10_000) if rng.happens(0.1) else 0,
        "created": int(person.created_at.timestamp()),
        "currency": rng.maybe(0.3, rng.choice(("usd", "eur", "gbp", "cad", "aud"))),
        "default_source": None,
        "delinquent": rng.happens(0.05),
        "description": rng.maybe(0.3, f"Customer of the demo store: {person.name}"),
        "discount": None,
        "email": person.email,
        "invoice_prefix": rng.capitals(8),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": True,
        "metadata": {"source": "demo_generator"} if rng.happens(0.5) else {},
        "name": person.name,
        "next_invoice_sequence": rng.randint(1, 100),
        "phone": phone,
        "preferred_locales": ["en"],
        "shipping": rng.maybe(0.5, {"address": address, "name": person.name, "phone": phone}),
        "tax_exempt": rng.choice(("none", "exempt", "reverse")) if rng.happens(0.1) else "none",
        "test_clock": None,
    }


def next_version(rng: Chance, current: Payload, moment: datetime) -> Payload:
    """Object of ``customer.updated``."""
    changed = deepcopy(current)
    field = rng.choice(("balance", "delinquent", "description"))
    changed[field] = {
        "balance": current["balance"] - rng.randint(100, 5000),
        "delinquent": not current["delinquent"],
        "description": f"Reviewed {moment:%Y-%m-%d %H:%M}",
    }[field]
    return changed
