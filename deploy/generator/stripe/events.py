"""Stripe's event envelope: what is posted is the event, the object stands in ``data.object``."""

from __future__ import annotations

from datetime import datetime

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.payload import Payload

API_VERSION = "2024-12-18.acacia"


def event(
    ids: IdSpace,
    rng: Chance,
    kind: str,
    resource: Payload,
    created: datetime,
    before: Payload | None = None,
) -> Payload:
    """Wrap an object; of a change, ``previous_attributes`` says what its fields held ``before``."""
    data: Payload = {"object": resource}
    if before is not None:
        data["previous_attributes"] = {
            name: value for name, value in before.items() if resource[name] != value
        }
    return {
        "id": f"evt_{ids.text(rng, 24)}",
        "object": "event",
        "api_version": API_VERSION,
        "created": int(created.timestamp()),
        "data": data,
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": f"req_{rng.alphanumeric(14)}", "idempotency_key": rng.uuid()},
        "type": kind,
    }
