"""Standard Webhooks: headers name the event and the attempt, the payload its type and time.

Source: standardwebhooks.com, specification 1.0.0, "Payload structure" and "Webhook headers".
"""

from __future__ import annotations

from shared.sources.attributes import attribute, body_hash, iso_moment
from shared.sources.spec import UNKNOWN_TYPE, Delivery, Headers, Payload


def read(topic: str, prefix: str, headers: Headers, payload: Payload, body: bytes) -> Delivery:
    """The delivery in any event; nothing is malformed.

    Args:
        topic: where it goes.
        prefix: what the headers begin with.
        headers, payload, body: see :data:`~shared.sources.spec.Reader`.
    """
    event_id = attribute(headers.get(f"{prefix}id")) or body_hash(body)
    data = payload.get("data")
    key = (attribute(data.get("id")) if isinstance(data, dict) else None) or event_id
    return Delivery(
        topic=topic,
        key=key,
        event_id=event_id,
        event_type=attribute(payload.get("type")) or UNKNOWN_TYPE,
        event_time=iso_moment(payload.get("timestamp")),
        answer={"event_id": event_id},
    )
