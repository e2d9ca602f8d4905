"""Stripe's charge object (API 2024-12-18.acacia), with the event type it travels under."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.payload import Payload

STATUS = {"succeeded": 90, "pending": 5, "failed": 5}
RISK = {"normal": (0, 30), "elevated": (31, 65), "highest": (66, 100)}
FAILURES = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
}
BRANDS = ("visa", "mastercard", "amex", "discover", "diners", "jcb")

NULL_FIELDS = (
    "application", "application_fee", "application_fee_amount", "failure_balance_transaction",
    "invoice", "on_behalf_of", "receipt_number", "review", "shipping", "source",
    "source_transfer", "statement_descriptor_suffix", "transfer_data", "transfer_group",
)  # fmt: skip


def event_type(charge: Payload) -> str:
    """The event that announces a new charge: a failed one is ``charge.failed``."""
    return f"charge.{charge['status']}"


def charge(
    ids: IdSpace,
    rng: Chance,
    customer: Payload | None,
    intent: Payload | None,
    now: datetime,
) -> Payload:
    """A new charge.

    Args:
        ids: of the run.
        rng: what draws.
        customer: who pays; ``None`` is somebody without an account.
        intent: what is paid; ``None`` for a charge made without one.
        now: when the account lives.
    """
    number = f"ch_{ids.text(rng, 24)}"
    status = rng.weighted(STATUS)
    paid = status == "succeeded"
    captured = paid and rng.happens(0.95)
    failure = rng.choice(tuple(FAILURES)) if status == "failed" else None
    amount = intent["amount"] if intent else rng.randint(100, 50_000)
    begun = datetime.fromtimestamp(intent["created"], UTC) if intent else now - timedelta(days=182)
    email = customer["email"] if customer else f"guest{rng.randint(1, 10**9)}@example.com"
    return {
        "id": number,
        "object": "charge",
        "amount": amount,
        "amount_captured": amount if captured else 0,
        "amount_refunded": 0,
        **dict.fromkeys(NULL_FIELDS),
        "balance_transaction": f"txn_{ids.text(rng, 24)}" if paid else None,
        "billing_details": {
            "address": (customer and customer["address"])
            or dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
            "email": email,
            "name": customer["name"] if customer else None,
            "phone": customer["phone"] if customer else None,
        },
        "calculated_statement_descriptor": "DEMO STORE",
        "captured": captured,
        "created": int(rng.moment(begun, now).timestamp()),
        "currency": "usd",
        "customer": customer["id"] if customer else None,
        "description": intent["description"]
        if intent
        else f"Payment for order #{rng.randint(1001, 9999)}",
        "disputed": False,
        "failure_code": failure,
        "failure_message": FAILURES[failure] if failure else None,
        "fraud_details": {},
        "livemode": True,
        "metadata": {},
        "outcome": _outcome(rng, failure),
        "paid": paid,
        "payment_intent": intent["id"] if intent else None,
        "payment_method": f"pm_{ids.text(rng, 24)}",
        "payment_method_details": {"type": "card", "card": _card(rng)},
        "receipt_email": email,
        "receipt_url": f"https://pay.stripe.com/receipts/{rng.uuid()}",
        "refunded": False,
        "refunds": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/charges/{number}/refunds",
        },
        "statement_descriptor": "DEMO STORE",
        "status": status,
    }


def _outcome(rng: Chance, failure: str | None) -> Payload:
    level = rng.weighted({"normal": 85, "elevated": 10, "highest": 5})
    declined = failure is not None
    return {
        "network_status": "declined_by_network" if declined else "approved_by_network",
        "reason": failure,
        "risk_level": level,
        "risk_score": rng.randint(*RISK[level]),
        "seller_message": "The bank declined the payment." if declined else "Payment complete.",
        "type": "issuer_declined" if declined else "authorized",
    }


def _card(rng: Chance) -> Payload:
    brand = rng.choice(BRANDS)
    return {
        "brand": brand,
        "checks": {
            "address_line1_check": rng.choice(("pass", "unchecked", None)),
            "address_postal_code_check": rng.choice(("pass", "unchecked", None)),
            "cvc_check": rng.choice(("pass", "unchecked")),
        },
        "country": rng.choice(("US", "US", "US", "CA", "GB", "DE", "FR")),
        "exp_month": rng.randint(1, 12),
        "exp_year": rng.randint(2025, 2030),
        "funding": rng.choice(("credit", "debit", "prepaid")),
        "last4": f"{rng.randint(0, 9999):04}",
        "network": brand,
        "three_d_secure": None,
    }
