"""Mailchimp: ``type`` names the topic; forms nest under ``data``, flat JSON does not.

What is sent nested gets the flat fields added at its end, so that one table holds both; nothing
received is changed, and no field that was there is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson

from shared.contracts.envelope import rfc3339
from shared.sources.attributes import attribute, body_hash, iso_moment
from shared.sources.mailchimp import members
from shared.sources.mailchimp.tables import CAMPAIGNS, EVENTS, SUBSCRIBERS
from shared.sources.spec import (
    Delivery,
    Entity,
    Fault,
    Headers,
    Malformed,
    Payload,
    topics_by_type,
)

SUBSCRIBERS_TOPIC = "mailchimp.subscribers"
CAMPAIGNS_TOPIC = "mailchimp.campaigns"
EVENTS_TOPIC = "mailchimp.events"

LARGEST_NESTED = 1024 * 1024
"""Bytes. The flat fields repeat some of it, and all of it must fit a record."""

ENTITIES = (
    Entity(
        topic=SUBSCRIBERS_TOPIC,
        key="member id, the MD5 of the address in lower case",
        description="Mailchimp audience webhooks; a form as the JSON of its fields.",
        table=SUBSCRIBERS,
        event_types=("subscribe", "unsubscribe", "profile", "upemail", "cleaned"),
    ),
    Entity(
        topic=CAMPAIGNS_TOPIC,
        key="campaign id",
        description="Mailchimp campaign webhooks; a form as the JSON of its fields.",
        table=CAMPAIGNS,
        event_types=("campaign",),
    ),
    Entity(
        topic=EVENTS_TOPIC,
        key="member id, else the campaign id, else the event id",
        description="Mailchimp engagement events, and events of every other type.",
        table=EVENTS,
        event_types=(
            "sent", "send", "open", "click", "bounce", "unsub", "abuse", "sms_sent", "sms_click",
        ),
        other_types=True,
    ),
)  # fmt: skip

_TOPIC_OF_TYPE = topics_by_type(ENTITIES)

_FLAT: Mapping[str, Callable[[str, members.Fields, object], dict[str, Any]]] = {
    SUBSCRIBERS_TOPIC: members.member,
    CAMPAIGNS_TOPIC: members.campaign,
    EVENTS_TOPIC: members.engagement,
}


def read(_: Headers, payload: Payload, body: bytes) -> Delivery:
    """The delivery in one event, nested or flat.

    Raises:
        Malformed: no type, a member without an address, a campaign without an id, or a nested
            event that is too large or too deep.
    """
    # Senders of flat JSON name the type of a member or campaign in the second, or not at all.
    event_type = (
        attribute(payload.get("type"))
        or attribute(payload.get("_webhook_event_type"))
        or attribute(payload.get("action"))
    )
    if event_type is None:
        raise Malformed(Fault.INVALID_EVENT, "the event has no type")
    topic = _TOPIC_OF_TYPE.get(event_type, EVENTS_TOPIC)
    data = payload.get("data")
    if isinstance(data, dict):
        fired = members.fired_moment(payload.get("fired_at"))
        added = _added(topic, event_type, payload, data, fired, len(body))
        known = {**added, **payload}
        value = _with(body, added, topic)
        event_id = attribute(payload.get("event_id")) or _nested_id(event_type, payload, data, body)
    else:
        known, value = payload, None
        fired = _first_moment(payload, "timestamp", "last_changed", "fired_at")
        event_id = attribute(payload.get("event_id")) or body_hash(body)
    return Delivery(
        topic=topic,
        key=_key(topic, event_type, known, event_id),
        event_id=event_id,
        event_type=event_type,
        event_time=fired,
        answer={"event_id": event_id},
        expected=event_type in _TOPIC_OF_TYPE,
        value=value,
    )


def _first_moment(payload: Payload, *names: str) -> datetime | None:
    for name in names:
        moment = (members.fired_moment if name == "fired_at" else iso_moment)(payload.get(name))
        if moment is not None:
            return moment
    return None


def _added(
    topic: str,
    event_type: str,
    payload: Payload,
    data: members.Fields,
    fired: datetime | None,
    size: int,
) -> dict[str, Any]:
    """The flat fields that a nested event lacks."""
    if size > LARGEST_NESTED:
        raise Malformed(
            Fault.INVALID_EVENT, f"the event is larger than {LARGEST_NESTED} bytes", topic
        )
    # A time that is none stays as it is: its columns name it as one that does not fit.
    when = payload.get("fired_at") if fired is None else rfc3339(fired)
    flat = _FLAT[topic](event_type, data, when)
    return {
        name: value for name, value in flat.items() if value is not None and name not in payload
    }


def _with(body: bytes, added: Mapping[str, Any], topic: str) -> bytes:
    """The object in ``body`` with further members at its end."""
    try:
        more = orjson.dumps(added)
    except TypeError:  # what was read may still be nested deeper than can be written
        raise Malformed(Fault.INVALID_EVENT, "the event is nested too deeply", topic) from None
    end = body.rindex(b"}")
    return b"%b,%b" % (body[:end], more[1:]) if added else body


def _nested_id(event_type: str, payload: Payload, data: members.Fields, body: bytes) -> str:
    """The vendor gives none: type, time, audience and whom or what it is about."""
    fired = payload.get("fired_at")
    about = attribute(members.email_of(event_type, data)) or attribute(data.get("id"))
    if not isinstance(fired, str) or about is None:
        return body_hash(body)
    list_id = attribute(data.get("list_id")) or ""
    return body_hash(*(part.encode() for part in (event_type, fired, list_id, about)))


def _key(topic: str, event_type: str, known: members.Fields, event_id: str) -> str:
    # Of the address where there is one: all forms of it are one member.
    member = members.member_hash(known.get("email_address")) or attribute(
        known.get("subscriber_id")
    )
    campaign = attribute(known.get("campaign_id"))
    if topic == EVENTS_TOPIC:
        return member or campaign or event_id
    key, needed = (campaign, "id") if topic == CAMPAIGNS_TOPIC else (member, "e-mail address")
    if key is None:
        raise Malformed(Fault.MISSING_ID, f"a {event_type} event needs a usable {needed}", topic)
    return key
