"""Requests of Standard Webhooks, signed with the published example secret."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.sources.spec import Example, Expected

_PATH = "/webhooks/standard/events"
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 published

EXAMPLES = (
    Example(
        name="event",
        path=_PATH,
        headers={
            "Content-Type": "application/json",
            "webhook-id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
            "webhook-timestamp": "1674087231",
            "webhook-signature": "v1a,AAAA v1,ARw42xaAApl/nxRo+iPGYwSaMQaOwMo2eyH5JBRA+bQ=",
        },
        body=(
            b'{"type":"contact.created","timestamp":"2022-11-03T20:26:10.344522Z",'
            b'"data":{"id":"1f81eb52-5198-4599-803e-771906343485"}}'
        ),
        secret=_SECRET,
        at=1_674_087_231,
        becomes=(
            Expected(
                topic="standard.events",
                key="1f81eb52-5198-4599-803e-771906343485",
                event_id="msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
                event_type="contact.created",
                event_time=datetime(2022, 11, 3, 20, 26, 10, 344522, tzinfo=UTC),
            ),
        ),
        source="specification 1.0.0, Signature scheme; signed with Python's hmac",
    ),
)
