"""Shopify's product object (Admin REST, 2024-10) with its variants, and its new versions."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from decimal import Decimal

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace, gid
from deploy.generator.payload import Payload, money, shop_time, written_like, zulu

VENDORS = (
    "Nike", "Adidas", "Apple", "Samsung", "Sony", "Levi's", "Patagonia", "North Face",
    "Under Armour", "New Balance",
)  # fmt: skip
PRODUCT_TYPES = (
    "T-Shirts", "Hoodies", "Pants", "Shoes", "Accessories", "Electronics", "Home & Garden",
    "Beauty", "Sports", "Books",
)  # fmt: skip
SIZES = ("XS", "S", "M", "L", "XL", "XXL")
COLOURS = ("Black", "White", "Red", "Blue", "Green", "Grey")
_WORDS = ("Classic", "Everyday", "Limited", "Light", "Original", "Premium", "Trail", "Urban")
_TAGS = ("sale", "new", "eco", "bestseller", "clearance")


def product(ids: IdSpace, rng: Chance, now: datetime) -> Payload:
    """Body of ``products/create``: one price, a variant for each drawn size."""
    number = ids.next("product")
    vendor, kind, word = rng.choice(VENDORS), rng.choice(PRODUCT_TYPES), rng.choice(_WORDS)
    title = f"{vendor} {word} {kind}"
    created = rng.moment(now - timedelta(days=365), now - timedelta(days=1))
    notation = shop_time if rng.happens(0.5) else zulu
    sizes = rng.sample(SIZES, rng.randint(1, 3))
    colour = rng.choice(COLOURS)
    price = Decimal(rng.randint(1999, 29_999)) / 100
    stamps = {
        "created_at": notation(created),
        "updated_at": notation(rng.moment(created, now)),
    }
    return {
        "id": number,
        "admin_graphql_api_id": gid("Product", number),
        "title": title,
        "body_html": f"<p>{word} {kind} by <strong>{vendor}</strong>.</p>",
        "vendor": vendor,
        "product_type": kind,
        "handle": _handle(f"{title}-{number}"),
        **stamps,
        "published_at": rng.maybe(0.9, notation(created)),
        "published_scope": "global",
        "status": rng.choice(("active", "active", "active", "draft", "archived")),
        "tags": ", ".join(rng.sample(_TAGS, rng.randint(0, 3))),
        "template_suffix": None,
        "variants": [
            _variant(ids, rng, number, vendor, position, (size, colour), price) | stamps
            for position, size in enumerate(sizes, start=1)
        ],
        "options": [
            {"product_id": number, "name": "Size", "position": 1, "values": sizes},
            {"product_id": number, "name": "Color", "position": 2, "values": [colour]},
        ],
        "images": [],
        "image": None,
    }


def next_version(rng: Chance, current: Payload, moment: datetime) -> Payload:
    """Body of ``products/update``: stock moved, for one in three the status too."""
    changed = deepcopy(current)
    changed["updated_at"] = written_like(current["updated_at"], moment)
    variant = rng.choice(changed["variants"])
    variant["inventory_quantity"] = rng.randint(0, 100)
    variant["updated_at"] = changed["updated_at"]
    if rng.happens(1 / 3):
        changed["status"] = "archived" if current["status"] == "active" else "active"
    return changed


def _variant(
    ids: IdSpace,
    rng: Chance,
    product_id: int,
    vendor: str,
    position: int,
    options: tuple[str, str],
    price: Decimal,
) -> Payload:
    number = ids.next("variant")
    return {
        "id": number,
        "admin_graphql_api_id": gid("ProductVariant", number),
        "product_id": product_id,
        "title": " / ".join(options),
        "price": money(price),
        "compare_at_price": rng.maybe(0.3, money(price * Decimal("1.2"))),
        "sku": f"{vendor[:3].upper()}-{product_id}-{position:03}",
        "barcode": rng.maybe(0.5, _ean13(rng)),
        "position": position,
        "inventory_item_id": number + 40_000_000_000,
        "inventory_quantity": rng.randint(0, 100),
        "weight": rng.randint(1, 50) / 10,
        "weight_unit": "kg",
        "option1": options[0],
        "option2": options[1],
        "option3": None,
    }


def _ean13(rng: Chance) -> str:
    digits = [rng.randint(0, 9) for _ in range(12)]
    check = -sum(digit * (3 if at % 2 else 1) for at, digit in enumerate(digits)) % 10
    return "".join(map(str, [*digits, check]))


def _handle(title: str) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in title.lower())
    return "-".join(words.split())
