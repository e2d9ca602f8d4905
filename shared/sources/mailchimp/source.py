"""Mailchimp: forms (or JSON) at one address that holds a secret; the vendor signs nothing."""

from __future__ import annotations

from shared.sources.mailchimp.examples import EXAMPLES
from shared.sources.mailchimp.reading import ENTITIES, EVENTS_TOPIC, read
from shared.sources.signing import UrlSecret
from shared.sources.spec import Body, Endpoint, SourceSpec

SOURCE = SourceSpec(
    name="mailchimp",
    title="Mailchimp",
    signature=UrlSecret(),
    endpoints=(
        Endpoint(
            path="/webhooks/mailchimp/webhook",
            summary="Take in a Mailchimp audience webhook or engagement event.",
            topics=(
                EVENTS_TOPIC,
                *(entity.topic for entity in ENTITIES if entity.topic != EVENTS_TOPIC),
            ),
            read=read,
            bodies=(Body.FORM, Body.JSON),
            probed=True,
        ),
    ),
    entities=ENTITIES,
    kept_headers=("User-Agent",),
    documentation=(
        "https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/",
    ),
    examples=EXAMPLES,
)
