"""CloudEvents 1.0, Kafka protocol binding, binary content mode.

The value stays exactly what was received; every attribute is a header, so a sender cannot forge
our metadata through its payload. This is the hot path of ingest and stream_writer, hence our own
encoder; a test holds it equal to the official SDK. Source: CloudEvents Kafka Protocol Binding
1.0.2, section 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

SPEC_VERSION = b"1.0"

Headers = list[tuple[str, bytes]]

MAY_REPEAT = "may_repeat"
"""Header of a record that its sender may have sent before, with the same ``delivery_id``: it was
never acknowledged, and is sent again. Whoever must know whether it is a repeat has to look."""


def rfc3339(moment: datetime) -> str:
    """UTC timestamp with microseconds and ``Z``, for example ``2026-01-02T03:04:05.000006Z``."""
    return _rfc3339(moment).decode()


def _rfc3339(moment: datetime) -> bytes:
    # Of all ways to write a time this is the fastest by far.
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    text = orjson.dumps(utc, option=orjson.OPT_UTC_Z)[1:-1]
    return text if utc.microsecond else text[:-1] + b".000000Z"


class Envelope(NamedTuple):
    """Metadata of one record.

    Attributes:
        id: the vendor's event id, or a fact's own stable id.
        type: event type (a vendor's topic or a platform type with its version).
        source: who produced the event (``shopify``, ``bergline`` …).
        time: when the event happened, timezone-aware; ``None`` when unknown.
        subject: what the event is about, normally the record key.
        content_type: media type of the value.
        received_at: when ingest accepted the delivery.
        delivery_id: UUIDv7 stamped at acceptance; one per accepted delivery.
        traceparent: W3C trace context.
        extensions: further CloudEvents extension attributes, names of ``[a-z0-9]`` only.
    """

    id: str
    type: str
    source: str
    time: datetime | None = None
    subject: str | None = None
    content_type: str | None = None
    received_at: datetime | None = None
    delivery_id: str | None = None
    traceparent: str | None = None
    extensions: tuple[tuple[str, str], ...] = ()

    def headers(self) -> Headers:
        """Kafka headers of the record, attributes that are ``None`` left out."""
        out: Headers = [
            ("ce_specversion", SPEC_VERSION),
            ("ce_id", self.id.encode()),
            ("ce_type", self.type.encode()),
            ("ce_source", self.source.encode()),
        ]
        if self.time is not None:
            out.append(("ce_time", _rfc3339(self.time)))
        if self.subject is not None:
            out.append(("ce_subject", self.subject.encode()))
        if self.content_type is not None:
            out.append(("content-type", self.content_type.encode()))
        if self.received_at is not None:
            out.append(("received_at", _rfc3339(self.received_at)))
        if self.delivery_id is not None:
            out.append(("delivery_id", self.delivery_id.encode()))
        if self.traceparent is not None:
            out.append(("traceparent", self.traceparent.encode()))
        for name, value in self.extensions:
            out.append(("ce_" + name, value.encode()))
        return out


def read(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Headers as text by name; bytes that are not UTF-8 are replaced, the last of a name wins.

    Never raises: records of foreign producers may carry anything.
    """
    return {name: (value or b"").decode("utf-8", "replace") for name, value in headers}
