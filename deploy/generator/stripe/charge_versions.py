"""What happens to a charge after it was made: captured, settled, refunded, disputed."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.payload import Payload
from deploy.generator.stripe.disputes import disputable
from deploy.generator.stripe.refunds import refund


def refundable(charge: Payload) -> bool:
    """Whether money of this charge can still be given back."""
    return bool(charge["captured"]) and not charge["refunded"]


def refunded(
    ids: IdSpace, rng: Chance, current: Payload, moment: datetime
) -> tuple[Payload, Payload]:
    """Object of ``charge.refunded``, and the refund that it now holds.

    ``refunded`` turns true with the last cent, as Stripe documents it.
    """
    given = refund(ids, rng, current, moment)
    changed = deepcopy(current)
    changed["amount_refunded"] += given["amount"]
    changed["refunded"] = changed["amount_refunded"] == changed["amount"]
    changed["refunds"]["data"].append(given)
    return changed, given


def next_version(
    ids: IdSpace, rng: Chance, current: Payload, moment: datetime
) -> tuple[str, Payload]:
    """Event type and charge of what happens next, refunds apart."""
    changed = deepcopy(current)
    if current["status"] == "pending":
        changed |= {
            "status": "succeeded",
            "paid": True,
            "captured": True,
            "amount_captured": current["amount"],
            "balance_transaction": f"txn_{ids.text(rng, 24)}",
        }
        return "charge.succeeded", changed
    if current["paid"] and not current["captured"]:
        changed |= {"captured": True, "amount_captured": current["amount"]}
        return "charge.captured", changed
    if disputable(current) and rng.happens(0.3):
        changed["disputed"] = True
    else:
        changed["description"] = f"Reviewed {moment:%Y-%m-%d %H:%M:%S}"
    return "charge.updated", changed
