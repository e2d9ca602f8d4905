"""Stripe's dispute: a charge that its payer's bank asks back, answered, won or lost."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.payload import Payload

REASONS = (
    "credit_not_processed", "duplicate", "fraudulent", "general", "product_not_received",
    "product_unacceptable", "subscription_canceled", "unrecognized",
)  # fmt: skip
EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "customer_communication",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_id", "product_description",
    "receipt", "refund_policy", "service_date", "shipping_address", "shipping_tracking_number",
    "uncategorized_text",
)  # fmt: skip


def disputable(charge: Payload) -> bool:
    """Whether a bank can ask this charge back."""
    return bool(charge["paid"]) and not charge["disputed"] and not charge["refunded"]


def dispute(ids: IdSpace, rng: Chance, charge: Payload, moment: datetime) -> Payload:
    """Object of ``charge.dispute.created``, of the whole charge."""
    return {
        "id": f"dp_{ids.text(rng, 24)}",
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": int(moment.timestamp()),
        "currency": charge["currency"],
        "evidence": {
            **dict.fromkeys(EVIDENCE),
            "customer_email_address": charge["billing_details"]["email"],
            "customer_name": charge["billing_details"]["name"],
        },
        "evidence_details": {
            "due_by": int((moment + timedelta(days=7)).timestamp()),
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": True,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {"brand": charge["payment_method_details"]["card"]["brand"]},
            "type": "card",
        },
        "reason": rng.choice(REASONS),
        "status": "needs_response",
    }


def open_still(dispute: Payload) -> bool:
    """Whether it is neither won nor lost."""
    return dispute["status"] not in {"won", "lost"}


def next_version(rng: Chance, current: Payload) -> tuple[str, Payload]:
    """Event type and object of what happens next: answered, then decided."""
    changed = deepcopy(current)
    if current["status"] == "needs_response":
        changed["status"] = "under_review"
        changed["evidence_details"]["has_evidence"] = True
        changed["evidence_details"]["submission_count"] = 1
        changed["evidence"]["uncategorized_text"] = "The parcel was delivered and signed for."
        return "charge.dispute.updated", changed
    changed["status"] = rng.choice(("won", "lost"))
    return "charge.dispute.closed", changed
