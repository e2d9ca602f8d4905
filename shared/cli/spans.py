"""Spans of time as they are typed: ``90s``, ``15m``, ``2h``, ``7d``."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from shared.contracts.days import Days
from shared.runtime.errors import ConfigurationError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=3650)
"""What goes beyond the calendar is a slip of the finger, and so is much less."""


def span(text: str, option: str = "--since") -> timedelta:
    """A span of time.

    Raises:
        ConfigurationError: it is none, or nothing, or longer than ten years.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd])", text.strip())
    length = timedelta() if found is None else timedelta(**{_UNITS[found[2]]: float(found[1])})
    if not timedelta() < length <= _LONGEST:
        raise ConfigurationError(
            f"{option} {text!r} is no span of time",
            "for example 90s, 15m, 2h or 7d; at most 3650d",
        )
    return length


def moment_of(text: str, now: datetime, option: str = "--since") -> datetime:
    """A span before now, or a time; UTC when it names no zone.

    Raises:
        ConfigurationError: it is neither.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            return now - span(text, option)
        except ConfigurationError:
            raise ConfigurationError(
                f"{option} {text!r} is neither a span of time nor a time",
                "for example 90s, 15m, 2h, 7d or 2026-01-31T12:00:00Z",
            ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def days(first: str | None, last: str | None) -> Days | None:
    """What ``--from`` and ``--to`` say, both included; ``None`` when neither is given.

    Raises:
        ConfigurationError: one is no date, or no day lies between them.
    """
    begin, end = _day(first, "--from"), _day(last, "--to")
    if begin is not None and end is not None and end < begin:
        raise ConfigurationError(f"--from {begin} --to {end} holds no day", "exchange them")
    return Days.between(begin, end)


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{option} {text!r} is no date", "for example 2026-01-31"
        ) from None
