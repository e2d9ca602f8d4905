"""Values that become record keys and CloudEvents attributes: bounded, printable, or absent."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE = re.compile(r"-?[0-9]{1,18}")

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

    Fractions finer than a microsecond are cut (Shopify sends nanoseconds). What a timestamp column
    takes is a moment here, too.
    """
    if not isinstance(value, str) or len(value) > MAX_CHARACTERS:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        try:
            moment = datetime.fromisoformat(value.upper())  # Python knows the large Z only
        except ValueError:
            return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except OverflowError:
        return None


def unix_moment(value: object) -> datetime | None:
    """Whole unix seconds as UTC, also as text; ``None`` when it is no time."""
    return _since_1970(value, 1)


def unix_milliseconds_moment(value: object) -> datetime | None:
    """Whole unix milliseconds as UTC, also as text; ``None`` when it is no time."""
    return _since_1970(value, 1000)


def _since_1970(value: object, per_second: int) -> datetime | None:
    number = value if type(value) is int else _whole(value)
    if number is None:
        return None
    try:
        return _EPOCH + timedelta(seconds=number // per_second, milliseconds=number % per_second)
    except OverflowError:
        return None


def _whole(value: object) -> int | None:
    if isinstance(value, str):
        return int(value) if _WHOLE.fullmatch(value) else None
    return int(value) if isinstance(value, float) and value.is_integer() else None


def body_hash(*parts: bytes) -> str:
    """SHA-256 in hex, for events whose vendor gives no id: the same for a redelivery.

    Args:
        parts: the event's own bytes, or what of it stays the same when it is sent again.
    """
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
