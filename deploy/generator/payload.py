"""How each vendor writes its JSON bodies: bytes matter, because they are what is signed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import urlencode

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


def compact_json(payload: object) -> bytes:
    """JSON without white space, as HubSpot's and Mailchimp's bodies are."""
    return orjson.dumps(payload)


def form(fields: Payload) -> bytes:
    """A form whose keys nest by brackets, as Mailchimp's bodies are: ``data[merges][EMAIL]=…``.

    ``None`` is written as an empty value.
    """
    return urlencode([*_form_fields("", fields)]).encode()


def _form_fields(prefix: str, fields: Payload) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        key = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, dict):
            yield from _form_fields(key, value)
        else:
            yield key, "" if value is None else str(value)


def zulu_milliseconds(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: ``2025-03-01T12:00:00.000Z``."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


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
