"""Stripe's event envelope: what is posted is the event, the object stands in ``data.object``."""

from __future__ import annotations

from datetime import datetime

from deploy.generator.chance import Chance
from deploy.generator.payload import Payload

API_VERSION = "2024-12-18.acacia"


def event(
    rng: Chance,
    kind: str,
    resource: Payload,
    created: datetime,
    previous_attributes: Payload | None = None,
) -> Payload:
    """Wrap an object. ``previous_attributes`` only travels with changes."""
    data: Payload = {"object": resource}
    if previous_attributes is not None:
        data["previous_attributes"] = previous_attributes
    return {
        "id": f"evt_{rng.alphanumeric(24)}",
        "object": "event",
        "api_version": API_VERSION,
        "created": int(created.timestamp()),
        "data": data,
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": f"req_{rng.alphanumeric(14)}", "idempotency_key": rng.uuid()},
        "type": kind,
    }
