"""HubSpot's deal: its properties, all of them strings, and the stages that it goes through."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from deploy.generator.chance import Chance
from deploy.generator.payload import Payload, money, zulu_milliseconds

STAGES = {
    "appointmentscheduled": "0.2", "qualifiedtobuy": "0.4", "presentationscheduled": "0.6",
    "decisionmakerboughtin": "0.8", "contractsent": "0.9", "closedwon": "1.0", "closedlost": "0",
}  # fmt: skip
"""Stage → probability that the deal is won."""

OPEN_STAGES = tuple(stage for stage in STAGES if not stage.startswith("closed"))


def properties(rng: Chance, number: int, company: Payload, now: datetime) -> Payload:
    """Properties of a new deal with a company."""
    created = rng.moment(now - timedelta(days=182), now)
    stage = rng.choice(OPEN_STAGES)
    amount = Decimal(rng.randint(50_000, 9_000_000)) / 100
    return {
        "hs_object_id": str(number),
        "dealname": f"{company['name']} – new deal",
        "dealstage": stage,
        "pipeline": "default",
        "amount": money(amount),
        "closedate": zulu_milliseconds(created + timedelta(days=rng.randint(7, 120))),
        "dealtype": rng.choice(("newbusiness", "existingbusiness")),
        "hs_priority": rng.maybe(0.7, rng.choice(("low", "medium", "high"))),
        "hubspot_owner_id": rng.maybe(0.6, str(rng.randint(1, 9))),
        "associatedcompanyid": company["hs_object_id"],
        "createdate": zulu_milliseconds(created),
        "hs_lastmodifieddate": zulu_milliseconds(rng.moment(created, now)),
        **outlook(stage, amount),
    }


def outlook(stage: str, amount: Decimal) -> Payload:
    """What follows from stage and amount."""
    return {
        "hs_deal_stage_probability": STAGES[stage],
        "hs_forecast_amount": money(amount),
        "hs_projected_amount": money(amount * Decimal(STAGES[stage])),
        "hs_is_closed": "true" if stage.startswith("closed") else "false",
        "hs_is_closed_won": "true" if stage == "closedwon" else "false",
    }


def change(rng: Chance, current: Payload) -> tuple[str, str]:
    """Name and new value of a property that changes: mostly the stage."""
    if rng.happens(0.25):
        return "amount", money(Decimal(rng.randint(50_000, 9_000_000)) / 100)
    return "dealstage", rng.choice([stage for stage in STAGES if stage != current["dealstage"]])
