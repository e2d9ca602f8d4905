"""How each vendor writes its JSON bodies: bytes matter, because they are what is signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import orjson

Payload = dict[str, Any]
"""A vendor's JSON object."""

SHOP_ZONE = timezone(timedelta(hours=-5))
"""Zone of the demo's shop: Shopify writes timestamps with the shop's offset."""

_HTML_ESCAPES = ((b"&", b"\\u0026"), (b"<", b"\\u003c"), (b">", b"\\u003e"))

_CENT = Decimal("0.01")


def shopify_json(payload: Payload) -> bytes:
    """Compact JSON in which ``& < >`` are escaped, as Shopify's bodies are."""
    body = orjson.dumps(payload)
    for plain, escaped in _HTML_ESCAPES:
        body = body.replace(plain, escaped)
    return body


def stripe_json(payload: Payload) -> bytes:
    """JSON indented by two spaces, as Stripe's bodies are: they span many lines."""
    return orjson.dumps(payload, option=orjson.OPT_INDENT_2)


def zulu(moment: datetime) -> str:
    """ISO 8601 in UTC, whole seconds: ``2025-01-15T10:30:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shop_time(moment: datetime) -> str:
    """ISO 8601 with the shop's offset: ``2025-01-15T05:30:00-05:00``."""
    return moment.astimezone(SHOP_ZONE).isoformat(timespec="seconds")


def written_like(example: str, moment: datetime) -> str:
    """The moment in the notation (UTC or offset) of another timestamp of the same object."""
    return zulu(moment) if example.endswith("Z") else shop_time(moment)


def cents(amount: Decimal) -> Decimal:
    """Rounded half-up to two places."""
    return amount.quantize(_CENT, ROUND_HALF_UP)


def money(amount: Decimal) -> str:
    """Decimal text with two places: ``"1234.56"``."""
    return str(cents(amount))
