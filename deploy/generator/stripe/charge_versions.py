"""What happens to a charge after it was made: captured, settled, refunded, disputed."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime

from deploy.generator.chance import Chance
from deploy.generator.payload import Payload


def refundable(charge: Payload) -> bool:
    """Whether money of this charge can still be given back."""
    return bool(charge["captured"]) and not charge["refunded"]


def refunded(rng: Chance, current: Payload, moment: datetime) -> tuple[str, Payload, Payload]:
    """Event type, charge and previous attributes of a refund: in half of the cases of all of it.

    ``refunded`` turns true with the last cent, as Stripe documents it.
    """
    left = current["amount"] - current["amount_refunded"]
    part = left if rng.happens(0.5) else max(1, left * rng.randint(10, 90) // 100)
    changed = deepcopy(current)
    changed["amount_refunded"] += part
    changed["refunded"] = changed["amount_refunded"] == changed["amount"]
    changed["refunds"]["data"].append(
        {
            "id": f"re_{rng.alphanumeric(24)}",
            "object": "refund",
            "amount": part,
            "balance_transaction": f"txn_{rng.alphanumeric(24)}",
            "charge": current["id"],
            "created": int(moment.timestamp()),
            "currency": current["currency"],
            "payment_intent": current["payment_intent"],
            "reason": rng.choice(("duplicate", "fraudulent", "requested_by_customer", None)),
            "status": "succeeded",
        }
    )
    return "charge.refunded", changed, _before(current, changed)


def next_version(rng: Chance, current: Payload, moment: datetime) -> tuple[str, Payload, Payload]:
    """Event type, charge and previous attributes of what happens next, refunds apart."""
    changed = deepcopy(current)
    if current["status"] == "pending":
        kind = "charge.succeeded"
        changed |= {
            "status": "succeeded",
            "paid": True,
            "captured": True,
            "amount_captured": current["amount"],
            "balance_transaction": f"txn_{rng.alphanumeric(24)}",
        }
    elif current["paid"] and not current["captured"]:
        kind = "charge.captured"
        changed |= {"captured": True, "amount_captured": current["amount"]}
    elif current["paid"] and not current["disputed"] and rng.happens(0.3):
        kind = "charge.updated"
        changed["disputed"] = True
    else:
        kind = "charge.updated"
        changed["description"] = f"Reviewed {moment:%Y-%m-%d %H:%M}"
    return kind, changed, _before(current, changed)


def _before(current: Payload, changed: Payload) -> Payload:
    return {name: value for name, value in current.items() if changed[name] != value}
