"""Shopify's order object (Admin REST, 2024-10) as it is created; every amount adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from deploy.generator.chance import Chance
from deploy.generator.id_space import FIRST_IDS, IdSpace, gid
from deploy.generator.payload import Payload, cents, money, shop_time, zulu
from deploy.generator.shopify.line_items import (
    TAX_RATE,
    line_items,
    subtotal,
    tax_line,
    total_weight,
)

FINANCIAL_STATUS = {
    "paid": 70, "pending": 10, "authorized": 5, "refunded": 5, "partially_refunded": 5, "voided": 5,
}  # fmt: skip
SOURCES = ("web", "pos", "mobile", "api", "shopify_draft_order")
_NOTES = ("Please leave at the door.", "Gift & card <inside>", "二階の受付へ")


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who orders. ``customer`` is ``None`` for guests, who still leave e-mail and address."""

    email: str
    phone: str | None
    address: Payload
    customer: Payload | None

    @classmethod
    def of(cls, customer: Payload) -> Buyer:
        """A customer of the shop."""
        return cls(customer["email"], customer["phone"], customer["default_address"], customer)


def outstanding(financial_status: str, total_price: str) -> str:
    """What is still to be paid: nothing once the order is paid."""
    return "0.00" if financial_status == "paid" else total_price


def order(
    ids: IdSpace, rng: Chance, buyer: Buyer, products: Sequence[Payload], now: datetime
) -> Payload:
    """Body of ``orders/create``."""
    number = ids.next("order")
    created = rng.moment(now - timedelta(days=182), now)
    updated = rng.moment(created, now)
    notation = shop_time if rng.happens(0.5) else zulu
    status = rng.weighted(FINANCIAL_STATUS)
    fulfilment = None
    if status in {"paid", "authorized"}:
        fulfilment = rng.weighted({None: 30, "partial": 10, "fulfilled": 60})
    lines = line_items(ids, rng, products)
    order_number = 1000 + number - FIRST_IDS["order"]
    return {
        "id": number,
        "admin_graphql_api_id": gid("Order", number),
        "app_id": 580_111,
        "browser_ip": rng.maybe(0.7, ".".join(str(rng.randint(1, 254)) for _ in range(4))),
        "buyer_accepts_marketing": rng.happens(0.5),
        "cancel_reason": "customer" if status == "voided" else None,
        "cancelled_at": notation(updated) if status == "voided" else None,
        "cart_token": rng.uuid(),
        "checkout_id": number + 100_000_000,
        "checkout_token": rng.uuid(),
        "closed_at": notation(updated) if fulfilment == "fulfilled" else None,
        "confirmation_number": rng.capitals(10, digits=True),
        "confirmed": True,
        "created_at": notation(created),
        "currency": "USD",
        "customer": _customer_of(buyer),
        "customer_locale": "en",
        "email": buyer.email,
        "estimated_taxes": False,
        "financial_status": status,
        "fulfillment_status": fulfilment,
        "fulfillments": [],
        "landing_site": rng.maybe(0.5, f"/collections/{rng.choice(SOURCES)}?ref=demo&utm=1"),
        "landing_site_ref": None,
        "name": f"#{order_number}",
        "note": rng.maybe(0.1, rng.choice(_NOTES)),
        "note_attributes": [],
        "number": order_number,
        "order_number": order_number,
        "order_status_url": f"https://example.myshopify.com/orders/{rng.uuid()}",
        "payment_gateway_names": ["shopify_payments"],
        "phone": rng.maybe(0.2, buyer.phone),
        "presentment_currency": "USD",
        "processed_at": notation(created),
        "referring_site": rng.maybe(0.4, "https://www.example.com/blog?a=1&b=2"),
        "refunds": [],
        "source_identifier": None,
        "source_name": rng.choice(SOURCES),
        "source_url": None,
        "tags": "",
        "tax_exempt": False,
        "taxes_included": False,
        "test": False,
        "token": rng.uuid(),
        "total_tip_received": "0.00",
        "updated_at": notation(updated),
        "user_id": None,
        "billing_address": buyer.address,
        "shipping_address": buyer.address,
        "line_items": lines,
        "total_weight": total_weight(lines),
        **_amounts(rng, number, status, subtotal(lines)),
    }


def _customer_of(buyer: Buyer) -> Payload | None:
    if buyer.customer is None:
        return None
    names = ("id", "email", "first_name", "last_name", "default_address")
    return {name: buyer.customer[name] for name in names}


def _amounts(rng: Chance, number: int, status: str, items: Decimal) -> Payload:
    """Everything that is money: discount, shipping, tax, totals."""
    share = Decimal(rng.randint(1, 2000)) / 10_000 if rng.happens(0.3) else Decimal()
    discount = cents(items * share)
    shipping = Decimal(rng.randint(0, 1500)) / 100
    tax = cents((items - discount) * TAX_RATE)
    total = money(items - discount + shipping + tax)
    shipping_money = {"amount": money(shipping), "currency_code": "USD"}
    return {
        "subtotal_price": money(items),
        "total_line_items_price": money(items),
        "total_discounts": money(discount),
        "total_tax": money(tax),
        "total_price": total,
        "total_outstanding": outstanding(status, total),
        "current_subtotal_price": money(items - discount),
        "current_total_discounts": money(discount),
        "current_total_price": total,
        "current_total_tax": money(tax),
        "total_shipping_price_set": {
            "shop_money": shipping_money,
            "presentment_money": shipping_money,
        },
        "discount_codes": [
            {
                "code": rng.capitals(8, digits=True),
                "amount": money(discount),
                "type": rng.choice(("percentage", "fixed_amount")),
            }
        ]
        if discount
        else [],
        "tax_lines": [tax_line(items - discount)],
        "shipping_lines": [
            {
                "id": number + 200_000_000,
                "title": "Standard Shipping",
                "price": money(shipping),
                "code": "Standard",
                "source": "shopify",
                "discounted_price": money(shipping),
                "tax_lines": [],
            }
        ],
    }
