"""Stripe's payout: what the account earned, on its way to a bank. An object without own topic."""

from __future__ import annotations

from datetime import datetime, timedelta

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.payload import Payload


def payout(ids: IdSpace, rng: Chance, moment: datetime) -> Payload:
    """Object of ``payout.created``."""
    return {
        "id": f"po_{ids.text(rng, 24)}",
        "object": "payout",
        "amount": rng.randint(10_000, 5_000_000),
        "arrival_date": int((moment + timedelta(days=2)).timestamp()),
        "automatic": True,
        "balance_transaction": f"txn_{ids.text(rng, 24)}",
        "created": int(moment.timestamp()),
        "currency": "usd",
        "description": "STRIPE PAYOUT",
        "destination": f"ba_{ids.text(rng, 24)}",
        "failure_code": None,
        "failure_message": None,
        "livemode": True,
        "metadata": {},
        "method": "standard",
        "source_type": "card",
        "statement_descriptor": None,
        "status": "in_transit",
        "type": "bank_account",
    }


def on_its_way(current: Payload) -> bool:
    """Whether it has neither arrived nor failed."""
    return bool(current["status"] == "in_transit")


def arrived(rng: Chance, current: Payload) -> tuple[str, Payload]:
    """Type and object of what becomes of it: ``payout.paid``, rarely ``payout.failed``."""
    if rng.happens(0.1):
        told = {"failure_code": "account_closed", "failure_message": "The account is closed."}
        return "payout.failed", {**current, **told, "status": "failed"}
    return "payout.paid", {**current, "status": "paid"}
