"""The line items of an order: what was bought, and what it weighs and costs."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace, gid
from deploy.generator.payload import Payload, money

TAX_RATE = Decimal("0.08")


def tax_line(taxed: Decimal) -> Payload:
    """8 % state tax on an amount."""
    return {
        "title": "State Tax",
        "price": money(taxed * TAX_RATE),
        "rate": float(TAX_RATE),
        "channel_liable": False,
    }


def line_items(ids: IdSpace, rng: Chance, products: Sequence[Payload]) -> list[Payload]:
    """One to five lines of one to three pieces each."""
    return [_line(ids, rng, rng.choice(products)) for _ in range(rng.randint(1, 5))]


def subtotal(lines: Sequence[Payload]) -> Decimal:
    """Sum of price × quantity."""
    return sum((Decimal(line["price"]) * line["quantity"] for line in lines), Decimal())


def total_weight(lines: Sequence[Payload]) -> int:
    """Sum of grams × quantity."""
    return sum(line["grams"] * line["quantity"] for line in lines)


def _line(ids: IdSpace, rng: Chance, product: Payload) -> Payload:
    number = ids.next("line_item")
    variant = rng.choice(product["variants"])
    quantity = rng.randint(1, 3)
    return {
        "id": number,
        "admin_graphql_api_id": gid("LineItem", number),
        "fulfillable_quantity": quantity,
        "fulfillment_service": "manual",
        "fulfillment_status": None,
        "gift_card": False,
        "grams": round(variant["weight"] * 1000),
        "name": f"{product['title']} - {variant['title']}",
        "price": variant["price"],
        "product_exists": True,
        "product_id": product["id"],
        "properties": [],
        "quantity": quantity,
        "requires_shipping": True,
        "sku": variant["sku"],
        "taxable": True,
        "title": product["title"],
        "total_discount": "0.00",
        "variant_id": variant["id"],
        "variant_inventory_management": "shopify",
        "variant_title": variant["title"],
        "vendor": product["vendor"],
        "tax_lines": [tax_line(Decimal(variant["price"]) * quantity)],
        "discount_allocations": [],
    }
