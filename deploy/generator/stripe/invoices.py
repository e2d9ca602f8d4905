"""Stripe's invoice of a subscription's period: drafted, made final, paid or not."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.payload import Payload

NULL_FIELDS = (
    "application", "application_fee_amount", "charge", "default_payment_method", "description",
    "discount", "due_date", "ending_balance", "footer", "hosted_invoice_url", "invoice_pdf",
    "next_payment_attempt", "number", "on_behalf_of", "payment_intent", "receipt_number",
    "statement_descriptor", "transfer_data",
)  # fmt: skip


def invoice(
    ids: IdSpace, rng: Chance, customer: Payload, subscription: Payload, moment: datetime
) -> Payload:
    """Object of ``invoice.created``: a draft, with tax for one in four."""
    number = f"in_{ids.text(rng, 24)}"
    created = int(moment.timestamp())
    item = subscription["items"]["data"][0]
    subtotal = item["price"]["unit_amount"] * item["quantity"]
    tax = (subtotal * 8 + 50) // 100 if rng.happens(0.25) else 0
    return {
        "id": number,
        "object": "invoice",
        "amount_due": subtotal + tax,
        "amount_paid": 0,
        "amount_remaining": subtotal + tax,
        **dict.fromkeys(NULL_FIELDS),
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically",
        "created": created,
        "currency": subscription["currency"],
        "customer": customer["id"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "lines": {
            "object": "list",
            "data": [
                {
                    "id": f"il_{ids.text(rng, 24)}",
                    "object": "line_item",
                    "amount": subtotal,
                    "currency": subscription["currency"],
                    "description": "1 × monthly plan",
                    "period": {
                        "end": subscription["current_period_end"],
                        "start": subscription["current_period_start"],
                    },
                    "price": item["price"],
                    "quantity": item["quantity"],
                    "subscription": subscription["id"],
                    "type": "subscription",
                }
            ],
            "has_more": False,
            "total_count": 1,
            "url": f"/v1/invoices/{number}/lines",
        },
        "livemode": True,
        "metadata": {},
        "paid": False,
        "period_end": subscription["current_period_end"],
        "period_start": subscription["current_period_start"],
        "status": "draft",
        "status_transitions": {
            "finalized_at": None, "marked_uncollectible_at": None, "paid_at": None,
            "voided_at": None,
        },
        "subscription": subscription["id"],
        "subtotal": subtotal,
        "tax": tax or None,
        "total": subtotal + tax,
    }  # fmt: skip


def settling(invoice: Payload) -> bool:
    """Whether something can still happen to it."""
    return invoice["status"] in {"draft", "open"}


def next_version(rng: Chance, current: Payload, moment: datetime) -> tuple[str, Payload]:
    """Event type and object of what happens next to a draft or open invoice."""
    changed = deepcopy(current)
    seconds = int(moment.timestamp())
    if current["status"] == "draft":
        changed["status"] = "open"
        changed["number"] = f"{current['id'][-8:].upper()}-0001"
        changed["status_transitions"]["finalized_at"] = seconds
        return "invoice.finalized", changed
    changed["attempted"] = True
    changed["attempt_count"] += 1
    if rng.happens(0.15):
        return "invoice.payment_failed", changed
    changed |= {
        "status": "paid",
        "paid": True,
        "amount_paid": current["amount_due"],
        "amount_remaining": 0,
    }
    changed["status_transitions"]["paid_at"] = seconds
    return "invoice.paid", changed
