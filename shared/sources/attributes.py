"""Values that become record keys and CloudEvents attributes: bounded, printable, or absent."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MAX_CHARACTERS = 256
"""Longest attribute: far above any vendor's ids, and keys stay small beside their records."""


def attribute(value: object) -> str | None:
    """The value as attribute text, or ``None`` when it cannot be one.

    Integers become decimal text; text must be printable (CloudEvents 1.0, section 3.1 forbids
    control characters and surrogates), not blank and at most :data:`MAX_CHARACTERS` long.
    """
    if isinstance(value, str):
        usable = 0 < len(value) <= MAX_CHARACTERS and value.isprintable() and not value.isspace()
        return value if usable else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def iso_moment(value: object) -> datetime | None:
    """ISO-8601 text with any offset as UTC; ``None`` without an offset or when it is no time.

    Fractions finer than a microsecond are cut (Shopify sends nanoseconds).
    """
    if not isinstance(value, str) or len(value) > MAX_CHARACTERS:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def unix_moment(value: object) -> datetime | None:
    """Whole unix seconds as UTC; ``None`` when it is no time."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def unix_milliseconds_moment(value: object) -> datetime | None:
    """Whole unix milliseconds as UTC; ``None`` when it is no time."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    try:
        return _EPOCH + timedelta(milliseconds=value)
    except OverflowError:
        return None


def body_hash(*parts: bytes) -> str:
    """SHA-256 in hex, for events whose vendor gives no id: the same for a redelivery.

    Args:
        parts: the event's own bytes, or what of it stays the same when it is sent again.
    """
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
