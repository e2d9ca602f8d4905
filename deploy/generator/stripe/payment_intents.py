"""Stripe's payment intent: made first, tried by a charge, then succeeded, failed or cancelled."""

from __future__ import annotations

from datetime import datetime, timedelta

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.payload import Payload

NULL_FIELDS = (
    "application", "application_fee_amount", "canceled_at", "cancellation_reason", "invoice",
    "last_payment_error", "latest_charge", "next_action", "on_behalf_of", "payment_method",
    "processing", "receipt_email", "review", "setup_future_usage", "shipping", "source",
    "statement_descriptor", "statement_descriptor_suffix", "transfer_data", "transfer_group",
)  # fmt: skip

CANCELLATIONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def payment_intent(ids: IdSpace, rng: Chance, customer: Payload | None, now: datetime) -> Payload:
    """Object of ``payment_intent.created``: nothing is tried yet."""
    number = f"pi_{ids.text(rng, 24)}"
    return {
        "id": number,
        "object": "payment_intent",
        "amount": rng.randint(100, 50_000),
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        **dict.fromkeys(NULL_FIELDS),
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "capture_method": "automatic",
        "client_secret": f"{number}_secret_{rng.alphanumeric(25)}",
        "confirmation_method": "automatic",
        "created": int(rng.moment(now - timedelta(days=182), now).timestamp()),
        "currency": "usd",
        "customer": customer["id"] if customer else None,
        "description": f"Payment for order #{rng.randint(1001, 9999)}",
        "livemode": True,
        "metadata": {},
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
    }


def tried(intent: Payload, charge: Payload) -> tuple[str, Payload]:
    """Event type and intent after a charge was made for it."""
    changed = {
        **intent,
        "latest_charge": charge["id"],
        "payment_method": charge["payment_method"],
        "receipt_email": charge["receipt_email"],
    }
    match charge["status"]:
        case "succeeded":
            captured = charge["amount_captured"]
            changed["amount_received"] = captured
            changed["amount_capturable"] = charge["amount"] - captured
            if not charge["captured"]:
                changed["status"] = "requires_capture"
                return "payment_intent.amount_capturable_updated", changed
            changed["status"] = "succeeded"
            return "payment_intent.succeeded", changed
        case "failed":
            changed["last_payment_error"] = {
                "charge": charge["id"],
                "code": charge["failure_code"],
                "message": charge["failure_message"],
                "type": "card_error",
            }
            return "payment_intent.payment_failed", changed
        case _:
            changed["status"] = "processing"
            return "payment_intent.processing", changed


def cancelled(rng: Chance, intent: Payload, moment: datetime) -> Payload:
    """Object of ``payment_intent.canceled``."""
    return {
        **intent,
        "status": "canceled",
        "canceled_at": int(moment.timestamp()),
        "cancellation_reason": rng.choice(CANCELLATIONS),
    }
