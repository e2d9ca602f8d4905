"""HubSpot's webhook events: thin ones, one property at a time, and expanded ones.

Thin events are what subscriptions to CRM objects send: no object, so a new contact is a creation
and a change of each property that it was created with. Expanded ones carry ``properties``, as
senders do that ask the vendor for the object first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.payload import Payload

Entity = Literal["contact", "company", "deal"]
"""What has a topic of its own."""

Thing = Literal["contact", "company", "deal", "engagement"]

SUBSCRIPTION_IDS = {
    "creation": 1_001, "propertyChange": 1_002, "deletion": 1_003, "merge": 1_004,
    "privacyDeletion": 1_005, "restore": 1_006, "associationChange": 1_007,
}  # fmt: skip
APP_ID = 2_100_417
CHANGE_SOURCES = ("CRM", "CRM_UI", "INTEGRATION", "API", "IMPORT", "FORM")

TYPED: Mapping[str, Callable[[str], object]] = {
    "hs_analytics_num_page_views": int,
    "hs_analytics_num_visits": int,
    "hs_email_optout": "true".__eq__,
}
"""Properties that are no text where they stand beside ``properties``."""


def event(
    ids: IdSpace, rng: Chance, thing: Thing, happening: str, number: int, moment: datetime
) -> Payload:
    """What every event holds. ``happening`` is what follows the dot in ``subscriptionType``."""
    return {
        "eventId": ids.next("hubspot_event"),
        "subscriptionId": SUBSCRIPTION_IDS[happening],
        "portalId": 40_000_000 + ids.run,
        "appId": APP_ID,
        "occurredAt": int(moment.timestamp()) * 1000 + rng.randrange(1000),
        "subscriptionType": f"{thing}.{happening}",
        "attemptNumber": 0,
        "objectId": number,
        "changeSource": rng.choice(CHANGE_SOURCES),
    }


def property_change(
    ids: IdSpace,
    rng: Chance,
    entity: Entity,
    number: int,
    moment: datetime,
    changed: tuple[str, str],
) -> Payload:
    """One property that changed: ``(name, new value)``."""
    name, value = changed
    return {
        **event(ids, rng, entity, "propertyChange", number, moment),
        "propertyName": name,
        "propertyValue": value,
    }


def expanded(thin: Payload, properties: Payload) -> Payload:
    """A thin event with the whole object in it, once as it is and once flattened."""
    flat = {
        name: None if value is None else TYPED.get(name, str)(value)
        for name, value in properties.items()
    }
    return {**thin, "id": properties["hs_object_id"], "properties": properties, **flat}
