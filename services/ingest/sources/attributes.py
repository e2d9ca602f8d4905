"""Values that become record keys and CloudEvents attributes: bounded, printable, or absent."""

from __future__ import annotations

from datetime import UTC, datetime

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
