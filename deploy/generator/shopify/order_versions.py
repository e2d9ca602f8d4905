"""What happens to an order after it was created: paid, fulfilled, cancelled, refunded, edited."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from decimal import Decimal

from deploy.generator.chance import Chance
from deploy.generator.id_space import gid
from deploy.generator.payload import Payload, cents, money, written_like
from deploy.generator.shopify.orders import outstanding


def next_version(rng: Chance, current: Payload, moment: datetime) -> tuple[str, Payload]:
    """The webhook topic and body of what happens next to the order at ``moment``."""
    changed = deepcopy(current)
    stamp = written_like(current["updated_at"], moment)
    changed["updated_at"] = stamp
    match current["financial_status"]:
        case "pending" | "authorized":
            topic = rng.choice(("orders/paid", "orders/cancelled"))
        case "paid" if current["fulfillment_status"] != "fulfilled":
            topic = "orders/fulfilled"
        case "paid":
            topic = "orders/updated"
            _refund(rng, changed, stamp)
        case _:
            topic = "orders/updated"
            changed["note"] = f"Edited at {stamp}"
            changed["tags"] = "reviewed"
    if topic == "orders/paid":
        _settle(changed, "paid")
    elif topic == "orders/cancelled":
        _settle(changed, "voided")
        changed["cancelled_at"] = stamp
        changed["cancel_reason"] = rng.choice(
            ("customer", "fraud", "inventory", "declined", "other")
        )
    elif topic == "orders/fulfilled":
        changed["fulfillment_status"] = "fulfilled"
        changed["closed_at"] = stamp
        changed["fulfillments"] = [_fulfilment(changed, stamp)]
    return topic, changed


def _settle(order: Payload, financial_status: str) -> None:
    order["financial_status"] = financial_status
    order["total_outstanding"] = outstanding(financial_status, order["total_price"])


def _fulfilment(order: Payload, stamp: str) -> Payload:
    number = order["id"] + 300_000_000
    return {
        "id": number,
        "admin_graphql_api_id": gid("Fulfillment", number),
        "order_id": order["id"],
        "created_at": stamp,
        "status": "success",
        "tracking_company": "UPS",
        "tracking_number": f"1Z{number}",
        "line_items": [{"id": line["id"]} for line in order["line_items"]],
    }


def _refund(rng: Chance, order: Payload, stamp: str) -> None:
    total = Decimal(order["total_price"])
    full = rng.happens(0.5)
    amount = total if full else cents(total * Decimal(rng.randint(10, 90)) / 100)
    number = order["id"] + 400_000_000
    order["refunds"] = [
        {
            "id": number,
            "admin_graphql_api_id": gid("Refund", number),
            "order_id": order["id"],
            "created_at": stamp,
            "note": None,
            "refund_line_items": [],
            "transactions": [
                {
                    "id": number + 1_000_000_000,
                    "order_id": order["id"],
                    "kind": "refund",
                    "status": "success",
                    "gateway": "shopify_payments",
                    "amount": money(amount),
                    "currency": "USD",
                }
            ],
        }
    ]
    _settle(order, "refunded" if full else "partially_refunded")
    order["current_total_price"] = money(total - amount)
