"""HubSpot: arrays of events at one address, signed with the app's client secret."""

from __future__ import annotations

from shared.sources.hubspot.examples import EXAMPLES
from shared.sources.hubspot.reading import ENTITIES, OTHER_EVENTS, read
from shared.sources.signing import HubSpotSignature
from shared.sources.spec import Body, Endpoint, SourceSpec

SOURCE = SourceSpec(
    name="hubspot",
    title="HubSpot",
    signature=HubSpotSignature(),
    endpoints=(
        Endpoint(
            path="/webhooks/hubspot/webhook",
            summary="Take in an array of HubSpot events of any subscription type.",
            topics=(
                OTHER_EVENTS,
                *(entity.topic for entity in ENTITIES if entity.topic != OTHER_EVENTS),
            ),
            read=read,
            bodies=(Body.JSON_EVENTS,),
            # The vendor sends 100 at most.
            events_limit=100,
        ),
    ),
    entities=ENTITIES,
    kept_headers=("User-Agent", "X-HubSpot-Request-Timestamp", "X-HubSpot-Signature-Version"),
    documentation=(
        "https://developers.hubspot.com/docs/api/webhooks",
        "https://developers.hubspot.com/docs/api/webhooks/validating-requests",
    ),
    examples=EXAMPLES,
)
