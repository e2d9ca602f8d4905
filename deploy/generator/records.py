"""What an accepted delivery must become, told from the vendor's side: one record an event.

Whoever compares it with what is stored asks no reader of ours: arrays are taken apart and forms
are read here once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from deploy.generator.delivery import Delivery
from deploy.generator.hubspot.portal import TOPICS as HUBSPOT_TOPICS
from deploy.generator.payload import Payload, compact_json

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Record:
    """One event that must be stored.

    Attributes:
        topic: logical topic where it must arrive.
        event_type: the vendor's.
        event_id: the vendor's; ``None`` for forms, which have none.
        key: id of the thing that it is about; ``None`` where that is another one than the
            delivery's subject.
        body: the event's own bytes; ``None`` for forms, which are stored as JSON.
        fields: of a form, nested as their brackets say.
        drift: whether values of it fit no column.
    """

    topic: str
    event_type: str
    event_id: str | None
    key: str | None
    body: bytes | None
    fields: Mapping[str, Any] | None = None
    drift: bool = False


def records(delivery: Delivery) -> list[Record]:
    """Everything that must be stored of a delivery; nothing of a refused one."""
    if not delivery.accepted:
        return []
    if delivery.source == "hubspot":
        return _events(delivery)
    form = dict(delivery.headers).get("Content-Type") == FORM
    engagement = delivery.topic == "mailchimp.events"  # ordered by who it was, not by what
    return [
        Record(
            topic=delivery.topic,
            event_type=delivery.event_type,
            event_id=None if form else delivery.event_id,
            key=None if engagement else delivery.subject,
            body=None if form else delivery.body,
            fields=nested(delivery.body) if form else None,
            drift=delivery.drift,
        )
    ]


def _events(delivery: Delivery) -> list[Record]:
    """HubSpot's ids are unique within a portal and subscription only."""
    found = []
    for event in orjson.loads(delivery.body):
        body = compact_json(event)
        if body in delivery.dead_letters:
            continue
        identity = f"{event['portalId']}-{event['subscriptionId']}-{event['eventId']}"
        thing = event["subscriptionType"].partition(".")[0]
        found.append(
            Record(
                topic=HUBSPOT_TOPICS[thing],
                event_type=event["subscriptionType"],
                event_id=identity,
                key=str(event["objectId"]),
                body=body,
            )
        )
    return found


def nested(form: bytes) -> Payload:
    """The fields of a form, by the brackets of their names: ``data[merges][EMAIL]=…``."""
    found: Payload = {}
    for name, value in parse_qsl(form.decode(), keep_blank_values=True):
        *outer, last = name.replace("]", "").split("[")
        place = found
        for step in outer:
            place = place.setdefault(step, {})
        place[last] = value
    return found
