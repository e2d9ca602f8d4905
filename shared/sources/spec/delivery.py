"""What is read of one event, and why it may be none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

Headers = Mapping[str, str]
"""Request headers; the mapping looks names up without regard to case."""

Payload = dict[str, Any]
"""One event as a JSON object; of a form the fields, nested as their brackets say."""

UNKNOWN_TYPE = "unknown"
"""Event type of a delivery whose vendor did not name one."""


class Fault(StrEnum):
    """Why a signed delivery cannot become a record; the values are slugs of problems."""

    INVALID_JSON = "invalid-json"
    INVALID_FORM = "invalid-form"
    NOT_AN_OBJECT = "not-an-object"
    TOO_DEEP = "too-deep"
    TOO_MANY_EVENTS = "too-many-events"
    MISSING_OBJECT = "missing-object"
    MISSING_ID = "missing-id"
    INVALID_EVENT = "invalid-event"
    """What no other word fits; ``detail`` says it."""


class Malformed(Exception):
    """Raised by a reader when a signed event cannot become a record; it is kept as a dead letter.

    Attributes:
        fault: what is answered, and the dead letter's reason.
        detail: what is wrong, for humans; never a value of the payload.
        topic: logical topic it was meant for, when that much could be read.
    """

    def __init__(self, fault: Fault, detail: str, topic: str | None = None) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail
        self.topic = topic


class Delivery(NamedTuple):
    """One accepted event, ready to become a record.

    Attributes:
        topic: logical topic; one of those that the endpoint feeds.
        key: business id; the record key and the CloudEvents subject. All versions of one thing
            have the same one, so that they stay in order.
        event_id: the vendor's event id, the same for a redelivery; where the vendor gives none, a
            hash of what stays the same (:func:`shared.sources.attributes.body_hash`).
        event_type: the vendor's type.
        event_time: when it happened, UTC; ``None`` when the vendor does not say.
        answer: what the vendor is told beside ``status`` and ``topic``; not told of one of several.
        extensions: further CloudEvents attributes, names of ``[a-z0-9]`` only.
        expected: false when the type is not one meant for this endpoint; it is kept and counted.
        value: the record's value when it is not the event byte for byte: JSON in UTF-8.
    """

    topic: str
    key: str
    event_id: str
    event_type: str
    event_time: datetime | None
    answer: Mapping[str, str] = MappingProxyType({})
    extensions: tuple[tuple[str, str], ...] = ()
    expected: bool = True
    value: bytes | None = None


Reader = Callable[[Headers, Payload, bytes], Delivery | Sequence[Delivery]]
"""``(headers, payload, body)`` of **one event** → its delivery, or several.

Pure, and raises nothing but :class:`Malformed`, whatever the JSON holds. ``body`` is the event's
own bytes: the request's body; of a :attr:`Body.JSON_EVENTS` the element's bytes as they stand in
the array; of a form the JSON of its fields, which is also what the record holds. Where a vendor
sends several shapes, the reader may give a ``value`` in which they look alike, with everything
received still in it.
"""
