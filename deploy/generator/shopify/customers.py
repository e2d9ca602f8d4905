"""Shopify's customer object (Admin REST, 2024-10), its addresses and its new versions."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from decimal import Decimal

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace, gid
from deploy.generator.payload import Payload, money, shop_time, written_like, zulu
from deploy.generator.person import Person
from deploy.generator.variations import phone_as_typed

TAGS = ("VIP", "wholesale", "returning", "new", "loyalty")
_NOTES = (
    "Prefers delivery in the morning.",
    "Asked for <gift wrap> & a card.",
    "Übergabe nur persönlich – bitte klingeln.",
)


def address_of(ids: IdSpace, rng: Chance, person: Person) -> Payload:
    """A person's address in Shopify's shape."""
    home = person.address
    return {
        "id": ids.next("address"),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "name": person.name,
        "company": rng.maybe(0.3, person.company),
        "address1": home.address1,
        "address2": home.address2,
        "city": home.city,
        "province": home.province,
        "province_code": home.province_code,
        "country": home.country,
        "country_code": home.country_code,
        "zip": home.zip,
        "phone": rng.maybe(0.5, person.phone),
        "latitude": home.latitude,
        "longitude": home.longitude,
        "default": True,
    }


def customer(ids: IdSpace, rng: Chance, person: Person, now: datetime, *, shared: bool) -> Payload:
    """Body of ``customers/create``; the phone is kept for shared people, else for 70 %."""
    number = ids.next("customer")
    home = address_of(ids, rng, person)
    orders = rng.randint(0, 20)
    notation = shop_time if rng.happens(0.5) else zulu
    return {
        "id": number,
        "admin_graphql_api_id": gid("Customer", number),
        "email": person.email,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "phone": person.phone if shared else rng.maybe(0.7, phone_as_typed(rng, person.phone)),
        "created_at": notation(person.created_at),
        "updated_at": notation(rng.moment(person.created_at, now)),
        "accepts_marketing_updated_at": notation(rng.moment(person.created_at, now)),
        "accepts_marketing": rng.happens(0.5),
        "marketing_opt_in_level": rng.choice(("single_opt_in", "confirmed_opt_in", None)),
        "currency": "USD",
        "default_address": home,
        "addresses": [home],
        "note": rng.maybe(0.2, rng.choice(_NOTES)),
        "orders_count": orders,
        "total_spent": money(Decimal(rng.randint(0, 500_000)) / 100) if orders else "0",
        "state": rng.choice(("enabled", "disabled", "invited")),
        "tags": ", ".join(rng.sample(TAGS, rng.randint(0, 3))),
        "tax_exempt": rng.happens(0.05),
        "tax_exemptions": [],
        "verified_email": rng.happens(0.9),
    }


def next_version(rng: Chance, current: Payload, moment: datetime) -> Payload:
    """Body of ``customers/update``: one thing changed at ``moment``."""
    changed = deepcopy(current)
    changed["updated_at"] = written_like(current["updated_at"], moment)
    match rng.choice(("marketing", "tags", "orders")):
        case "marketing":
            changed["accepts_marketing"] = not current["accepts_marketing"]
            changed["accepts_marketing_updated_at"] = changed["updated_at"]
        case "tags":
            changed["tags"] = ", ".join(rng.sample(TAGS, rng.randint(1, 3)))
        case _:
            spent = Decimal(current["total_spent"]) + Decimal(rng.randint(100, 30_000)) / 100
            changed["orders_count"] = current["orders_count"] + 1
            changed["total_spent"] = money(spent)
    return changed


SHOP_ID = 954_889


def redaction(shop: str, current: Payload, orders: list[int]) -> Payload:
    """Body of ``customers/redact``, the privacy webhook that every app must take."""
    return {
        "shop_id": SHOP_ID,
        "shop_domain": shop,
        "customer": {
            "id": current["id"],
            "email": current["email"],
            "phone": current["phone"],
        },
        "orders_to_redact": orders,
    }


def data_request(shop: str, current: Payload, orders: list[int], number: int) -> Payload:
    """Body of ``customers/data_request``: somebody asks what is kept about them."""
    asked = redaction(shop, current, [])
    del asked["orders_to_redact"]
    return {**asked, "orders_requested": orders, "data_request": {"id": number}}
