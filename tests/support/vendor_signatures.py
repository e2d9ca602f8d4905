"""What vendors sign with in tests, and the headers that they would send."""

from __future__ import annotations

import base64
import hmac
import time

from services.ingest.source_settings import secrets_variable
from shared.sources.registry import SOURCES

SHOPIFY_SECRET = "shpss_test_secret"
STRIPE_SECRET = "whsec_test_secret"
TOKEN = "an invented token of exports"
SECRETS = {
    secrets_variable(source.name): source.examples[0].secret if source.examples else TOKEN
    for source in SOURCES.values()
}
"""Every source's secret: the one of its examples, which for these two are the same as above."""


def shopify_signature(body: bytes, secret: str = SHOPIFY_SECRET) -> dict[str, str]:
    """The header that Shopify would send."""
    digest = hmac.digest(secret.encode(), body, "sha256")
    return {"X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode()}


def stripe_signature(
    body: bytes, secret: str = STRIPE_SECRET, at: float | None = None
) -> dict[str, str]:
    """The header that Stripe would send; ``at`` is unix seconds, now by default."""
    timestamp = str(int(time.time() if at is None else at))
    digest = hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256")
    return {"Stripe-Signature": f"t={timestamp},v1={digest.hex()}"}


def hubspot_signature(
    path: str, body: bytes, *, base: str, secret: str, at: float | None = None
) -> dict[str, str]:
    """The headers that HubSpot would send to an address that begins with ``base``."""
    timestamp = str(int((time.time() if at is None else at) * 1000))
    message = f"POST{base}{path}".encode() + body + timestamp.encode()
    digest = hmac.digest(secret.encode(), message, "sha256")
    return {
        "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
        "X-HubSpot-Request-Timestamp": timestamp,
    }


def standard_signature(body: bytes, *, identity: str, secret: str) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    timestamp = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{identity}.{timestamp}.".encode() + body, "sha256")
    return {
        "webhook-id": identity,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def signature(path: str, body: bytes) -> dict[str, str]:
    """The right vendor's header for a route."""
    return shopify_signature(body) if "/shopify/" in path else stripe_signature(body)
