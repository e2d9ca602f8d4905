"""HubSpot's requests of a hundred events each: what an event costs when it comes with others."""

from __future__ import annotations

import json

from tests.support.vendor_signatures import SECRETS, hubspot_signature

PATH = "/webhooks/hubspot/webhook"
PUBLIC_URL = "https://hooks.example.com"
EVENTS = 100
_ARRAYS = 50
"""Different requests, so that events go to all partitions of all topics."""

_TYPES = ("contact.propertyChange", "contact.creation", "company.creation", "deal.propertyChange")


def event(number: int) -> dict[str, object]:
    """A thin event as HubSpot sends them, some 300 bytes."""
    return {
        "eventId": 3_181_500_000 + number,
        "subscriptionId": 12345,
        "portalId": 62515,
        "appId": 54321,
        "occurredAt": 1_699_999_999_123 + number,
        "subscriptionType": _TYPES[number % len(_TYPES)],
        "attemptNumber": 0,
        "objectId": 1_246_965 + number % 997,
        "changeSource": "CRM",
        "propertyName": "lifecyclestage",
        "propertyValue": "subscriber",
        "sourceId": "userId:45678",
    }


def arrays() -> list[bytes]:
    """Requests signed now: the vendor's tolerance is five minutes."""
    return [_request(number) for number in range(_ARRAYS)]


def body(number: int) -> bytes:
    """One array of events."""
    return json.dumps([event(number * EVENTS + each) for each in range(EVENTS)]).encode()


def _request(number: int) -> bytes:
    content = body(number)
    headers = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        **hubspot_signature(
            PATH, content, base=PUBLIC_URL, secret=SECRETS["BERGLINE_INGEST_HUBSPOT_SECRETS"]
        ),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {PATH} HTTP/1.1\r\n{head}\r\n".encode() + content
