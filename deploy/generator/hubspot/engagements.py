"""HubSpot's engagement: a note, call or meeting about a contact. It has no topic of its own."""

from __future__ import annotations

from datetime import datetime, timedelta

from deploy.generator.chance import Chance
from deploy.generator.payload import Payload, zulu_milliseconds

TYPES = {"NOTE": 35, "EMAIL": 30, "TASK": 15, "MEETING": 10, "CALL": 10}
_PREVIEWS = ("Asked for a quote.", "Wants a call back.", "Sent the contract & terms.", "No answer.")


def engagement(rng: Chance, number: int, contact: Payload, now: datetime) -> Payload:
    """``properties`` and ``associations`` of ``engagement.creation``."""
    moment = rng.moment(now - timedelta(days=60), now)
    company = contact["associatedcompanyid"]
    return {
        "properties": {
            "hs_object_id": str(number),
            "hs_engagement_type": rng.weighted(TYPES),
            "hs_timestamp": zulu_milliseconds(moment),
            "hs_body_preview": rng.choice(_PREVIEWS),
            "hubspot_owner_id": rng.maybe(0.6, str(rng.randint(1, 9))),
            "hs_createdate": zulu_milliseconds(moment),
        },
        "associations": {
            "contactIds": [int(contact["hs_object_id"])],
            "companyIds": [int(company)] if company else [],
            "dealIds": [],
        },
    }
