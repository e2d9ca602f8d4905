"""HubSpot: one event of an array; its subscription type names the topic, a field the object.

Newer apps send ``object.*`` types and name the kind of object in ``objectTypeId``: another spelling
of the same facts, so the event has the older type's name (the payload keeps its own). Source:
developers.hubspot.com, "Webhooks API" and "Create generic webhook subscriptions".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from shared.sources.attributes import attribute, body_hash, unix_milliseconds_moment
from shared.sources.hubspot.tables import COMPANIES, CONTACTS, DEALS, EVENTS
from shared.sources.spec import (
    UNKNOWN_TYPE,
    Delivery,
    Entity,
    Fault,
    Headers,
    Malformed,
    Payload,
    topics_by_type,
)

OTHER_EVENTS = "hubspot.events"
"""Topic of every type that has none of its own."""

_CHANGES = ("creation", "deletion", "propertyChange", "merge", "restore", "associationChange")


def _types(thing: str, *more: str) -> tuple[str, ...]:
    return tuple(f"{thing}.{change}" for change in (*_CHANGES, *more))


ENTITIES = (
    Entity(
        topic="hubspot.contacts",
        key="contact id",
        description="HubSpot contact.* events, each on its own; object.* ones of contacts, too.",
        table=CONTACTS,
        event_types=_types("contact", "privacyDeletion"),
    ),
    Entity(
        topic="hubspot.companies",
        key="company id",
        description="HubSpot company.* events, each on its own; object.* ones of companies, too.",
        table=COMPANIES,
        event_types=_types("company"),
    ),
    Entity(
        topic="hubspot.deals",
        key="deal id",
        description="HubSpot deal.* events, each on its own; object.* ones of deals, too.",
        table=DEALS,
        event_types=_types("deal"),
    ),
    Entity(
        topic=OTHER_EVENTS,
        key="id of the object, or the event id",
        description="HubSpot events of every other subscription type, each on its own.",
        table=EVENTS,
        other_types=True,
    ),
)

_TOPIC_OF_TYPE = topics_by_type(ENTITIES)
_THING_OF_TYPE_ID: Mapping[object, str] = MappingProxyType(
    {"0-1": "contact", "0-2": "company", "0-3": "deal"}
)
_ATTEMPT = re.compile(rb'"attemptNumber"\s*:\s*[0-9]+')


def read(_: Headers, payload: Payload, body: bytes) -> Delivery:
    """The delivery in one event.

    Raises:
        Malformed: an event of a contact, company or deal names none.
    """
    event_type = attribute(payload.get("subscriptionType")) or UNKNOWN_TYPE
    if event_type not in _TOPIC_OF_TYPE:
        event_type = _older_name(event_type, payload)
    topic = _TOPIC_OF_TYPE.get(event_type, OTHER_EVENTS)
    event_id = _event_id(payload, body)
    key = _object_id(payload)
    if key is None:
        if topic != OTHER_EVENTS:
            raise Malformed(Fault.MISSING_ID, f"a {event_type} event needs objectId", topic)
        key = event_id
    return Delivery(
        topic=topic,
        key=key,
        event_id=event_id,
        event_type=event_type,
        event_time=unix_milliseconds_moment(payload.get("occurredAt")),
        answer={"id": key, "event_id": event_id},
        expected=topic != OTHER_EVENTS,
    )


def _older_name(event_type: str, payload: Payload) -> str:
    """``object.creation`` of a contact as ``contact.creation``; what is no such type as it is."""
    thing, _, change = event_type.partition(".")
    kind = _THING_OF_TYPE_ID.get(attribute(payload.get("objectTypeId")))
    older = f"{kind}.{change}"
    return older if thing == "object" and older in _TOPIC_OF_TYPE else event_type


def _object_id(payload: Payload) -> str | None:
    """The object that an event is about, of a merge the one that stays."""
    properties = payload.get("properties")
    return (
        attribute(payload.get("id"))
        or attribute(payload.get("hs_object_id"))
        or (attribute(properties.get("hs_object_id")) if isinstance(properties, dict) else None)
        or attribute(payload.get("objectId"))
        or attribute(payload.get("newObjectId"))
        or attribute(payload.get("primaryObjectId"))
        or attribute(payload.get("fromObjectId"))
    )


def _event_id(payload: Payload, body: bytes) -> str:
    """The same for every attempt: the vendor says that ``eventId`` alone is not unique."""
    portal, subscription, event = (
        attribute(payload.get(name)) for name in ("portalId", "subscriptionId", "eventId")
    )
    if portal and subscription and event:
        return attribute(f"{portal}-{subscription}-{event}") or body_hash(body)
    return body_hash(_ATTEMPT.sub(b"", body))
