"""Which spellings of a moment are understood, and how they are written plainly.

ISO 8601 (RFC 3339 and its basic offsets). A moment without an offset is no moment: guessing UTC
would silently shift it. Fractions are truncated to microseconds, the grain of the tables.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

EARLIEST_UNIX_SECOND = -62_135_596_800
"""0001-01-01T00:00:00Z. Engines agree on the years 1 to 9999."""

LATEST_UNIX_SECOND = 253_402_300_799
"""9999-12-31T23:59:59Z."""

_ISO_8601 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]"
    r"([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?)?"
    r"(?:[Zz]|([+-])([0-9]{2})(?::?([0-9]{2}))?)"
)


def iso_8601(text: str) -> str | None:
    """The moment in its plain spelling, ``2026-01-02T03:04:05.000006Z``.

    Returns ``None`` when the text is not a moment: no offset, no such day, no such hour, a leap
    second, or outside of the years 1 to 9999 in UTC.
    """
    match = _ISO_8601.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, offset_hour, offset_minute = (
        match.groups()
    )
    if int(offset_hour or 0) > 23 or int(offset_minute or 0) > 59:
        return None
    offset = timedelta(hours=int(offset_hour or 0), minutes=int(offset_minute or 0))
    try:
        moment = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute or 0),
            int(second or 0),
            int((fraction or "")[:6].ljust(6, "0")),
            timezone(-offset if sign == "-" else offset),
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def unix_seconds(number: int) -> int | None:
    """The same number when it lies in the years 1 to 9999, else ``None``.

    Milliseconds sent as seconds fall outside, so they are noticed and not taken for a far future.
    """
    return number if EARLIEST_UNIX_SECOND <= number <= LATEST_UNIX_SECOND else None
