"""Stripe's refund object: part of a charge, given back; pending ones come through or fail."""

from __future__ import annotations

from datetime import datetime

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.payload import Payload

REASONS = ("duplicate", "fraudulent", "requested_by_customer", None)


def refund(ids: IdSpace, rng: Chance, charge: Payload, moment: datetime) -> Payload:
    """A refund of what is left of a charge: of half of them all of it, of others 10 to 90 %."""
    left = charge["amount"] - charge["amount_refunded"]
    amount = left if rng.happens(0.5) else max(1, left * rng.randint(10, 90) // 100)
    return {
        "id": f"re_{ids.text(rng, 24)}",
        "object": "refund",
        "amount": amount,
        "balance_transaction": f"txn_{ids.text(rng, 24)}",
        "charge": charge["id"],
        "created": int(moment.timestamp()),
        "currency": charge["currency"],
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": rng.choice(REASONS),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": rng.weighted({"succeeded": 85, "pending": 15}),
        "transfer_reversal": None,
    }


def next_version(rng: Chance, current: Payload) -> Payload:
    """Object of ``refund.updated``: what was pending has come through; else it has a number."""
    if current["status"] == "pending":
        return {**current, "status": "succeeded"}
    return {**current, "receipt_number": f"{rng.randint(1000, 9999)}-{rng.randint(1000, 9999)}"}
