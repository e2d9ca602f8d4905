"""Which spellings of a moment are understood, and how they are written plainly.

ISO 8601 (RFC 3339 and its basic offsets). A moment without an offset is no moment: guessing UTC
would silently shift it; unless the vendor says that it means UTC. Fractions are truncated to
microseconds, the grain of the tables. Counts of seconds or of their parts since 1970.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

from shared.contracts.column_types import TimeFormat

EARLIEST_UNIX_SECOND = -62_135_596_800
"""0001-01-01T00:00:00Z. Engines agree on the years 1 to 9999."""

LATEST_UNIX_SECOND = 253_402_300_799
"""9999-12-31T23:59:59Z."""

PER_SECOND: Mapping[TimeFormat, int] = MappingProxyType(
    {
        TimeFormat.UNIX_SECONDS: 1,
        TimeFormat.UNIX_MILLISECONDS: 1_000,
        TimeFormat.UNIX_MICROSECONDS: 1_000_000,
    }
)
"""How many units a second has, of the formats that are counts."""

_ISO_8601 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]"
    r"([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?)?"
    r"([Zz]|([+-])([0-9]{2})(?::?([0-9]{2}))?)?"
)


def iso_8601(text: str, *, utc: bool = False) -> str | None:
    """The moment in its plain spelling, ``2026-01-02T03:04:05.000006Z``.

    Args:
        text: what is written.
        utc: whether a moment without an offset is one in UTC.

    Returns ``None`` when the text is not a moment: no offset, no such day, no such hour, a leap
    second, or outside of the years 1 to 9999 in UTC.
    """
    match = _ISO_8601.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone, sign, offset_hour, offset_minute = (
        match.groups()
    )
    if zone is None and not utc:
        return None
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


def unix_count(number: int, per_second: int = 1) -> int | None:
    """The same number when it lies in the years 1 to 9999, else ``None``.

    Milliseconds sent as seconds fall outside, so they are noticed and not taken for a far future.

    Args:
        number: units since 1970.
        per_second: how many of them a second has.
    """
    earliest = EARLIEST_UNIX_SECOND * per_second
    return number if earliest <= number < (LATEST_UNIX_SECOND + 1) * per_second else None
