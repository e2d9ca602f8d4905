"""Stripe's subscription: made, renewed, in arrears or to be cancelled, and gone."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.payload import Payload

PRICES = (999, 1999, 2999, 4999, 9999)
STATUS = {"active": 80, "trialing": 20}
_PERIOD = int(timedelta(days=30).total_seconds())
_TRIAL = int(timedelta(days=14).total_seconds())


def subscription(ids: IdSpace, rng: Chance, customer: Payload, now: datetime) -> Payload:
    """Object of ``customer.subscription.created``: one monthly price of one customer."""
    number = f"sub_{ids.text(rng, 24)}"
    created = int(rng.moment(now - timedelta(days=182), now).timestamp())
    status = rng.weighted(STATUS)
    trial = status == "trialing"
    price = rng.choice(PRICES)
    return {
        "id": number,
        "object": "subscription",
        "automatic_tax": {"enabled": False, "liability": None},
        "billing_cycle_anchor": created,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "collection_method": "charge_automatically",
        "created": created,
        "currency": "usd",
        "current_period_end": created + (_TRIAL if trial else _PERIOD),
        "current_period_start": created,
        "customer": customer["id"],
        "default_payment_method": None,
        "description": None,
        "discount": None,
        "ended_at": None,
        "items": {
            "object": "list",
            "data": [
                {
                    "id": f"si_{ids.text(rng, 14)}",
                    "object": "subscription_item",
                    "created": created,
                    "price": {
                        "id": f"price_{ids.text(rng, 24)}",
                        "object": "price",
                        "active": True,
                        "currency": "usd",
                        "product": f"prod_{ids.text(rng, 14)}",
                        "recurring": {"interval": "month", "interval_count": 1},
                        "type": "recurring",
                        "unit_amount": price,
                        "unit_amount_decimal": str(price),
                    },
                    "quantity": 1,
                    "subscription": number,
                }
            ],
            "has_more": False,
            "total_count": 1,
            "url": f"/v1/subscription_items?subscription={number}",
        },
        "latest_invoice": None,
        "livemode": True,
        "metadata": {},
        "start_date": created,
        "status": status,
        "trial_end": created + _TRIAL if trial else None,
        "trial_start": created if trial else None,
    }


def next_version(rng: Chance, current: Payload) -> Payload:
    """Object of ``customer.subscription.updated``: renewed, in arrears, or to end."""
    changed = deepcopy(current)
    match rng.choice(("renewed", "in arrears", "to end")):
        case "in arrears" if current["status"] == "active":
            changed["status"] = "past_due"
        case "to end" if not current["cancel_at_period_end"]:
            changed["cancel_at_period_end"] = True
            changed["cancel_at"] = current["current_period_end"]
        case _:
            changed["status"] = "active"
            changed["current_period_start"] = current["current_period_end"]
            changed["current_period_end"] = current["current_period_end"] + _PERIOD
    return changed


def ended(current: Payload, moment: datetime) -> Payload:
    """Object of ``customer.subscription.deleted``."""
    seconds = int(moment.timestamp())
    return {**current, "status": "canceled", "canceled_at": seconds, "ended_at": seconds}
