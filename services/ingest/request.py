"""One request under way, and the answers to it when all went well."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import orjson
from multidict import istr

from services.ingest.admission import Hold
from services.ingest.answer import Answer
from services.ingest.signatures.verifier import Headers
from shared.sources.spec import Delivery

PROBED = Answer(200, b'{"status":"ok"}')
"""The answer to a vendor that tries the address."""

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
"""W3C Trace Context, section 3.2."""
_TRACE_HEADER = istr("traceparent")


class Request:
    """One request under way.

    Attributes:
        headers: its headers.
        hold: the room that it takes.
        answer: gives its one answer.
        path: for a refusal's text.
        received_at: when it was here.
    """

    __slots__ = ("answer", "headers", "hold", "path", "received_at")

    def __init__(
        self, headers: Headers, hold: Hold, answer: Callable[[Answer], None], path: str
    ) -> None:
        self.headers = headers
        self.hold = hold
        self.answer = answer
        self.path = path
        self.received_at = datetime.now(UTC)

    @property
    def traceparent(self) -> str | None:
        """Its W3C trace context, if it has a valid one."""
        return traceparent(self.headers.get(_TRACE_HEADER))


def accepted(delivery: Delivery, delivery_id: str) -> Answer:
    """The answer to a delivery that the broker has."""
    return Answer(
        200,
        orjson.dumps(
            {
                "status": "ok",
                "topic": delivery.topic,
                **delivery.answer,
                "delivery_id": delivery_id,
            }
        ),
    )


def accepted_several(published: int, kept: int) -> Answer:
    """The answer to several events that the broker has; some may be dead letters."""
    return Answer(
        200,
        orjson.dumps({"status": "ok", "published": published, "failed": 0, "dead_letters": kept}),
    )


def traceparent(value: str | None) -> str | None:
    """The W3C trace context, or ``None`` when it is absent or not valid."""
    return value if value is not None and _TRACEPARENT.fullmatch(value) else None
