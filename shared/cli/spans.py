"""Spans of time as they are typed: ``90s``, ``15m``, ``2h``, ``7d``."""

from __future__ import annotations

import re
from datetime import timedelta

from shared.runtime.errors import ConfigurationError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span(text: str, option: str = "--since") -> timedelta:
    """A span of time.

    Raises:
        ConfigurationError: it is none, or nothing.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    length = timedelta() if found is None else timedelta(**{_UNITS[found[2]]: float(found[1])})
    if not length:
        raise ConfigurationError(
            f"{option} {text!r} is no span of time", "for example 90s, 15m, 2h or 7d"
        )
    return length
