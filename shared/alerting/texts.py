"""Texts of alerts: values and labels filled in, numbers as humans read them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::(duration|percentage))?\}")
"""``{<label>}``, ``{value}``, ``{value:duration}`` and ``{value:percentage}`` in texts of rules."""
FORMED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*):([^{}\s]+)\}")
"""What looks like a placeholder with a form, be there such a form or not."""

_LARGE = "kMGTPEZY"
_SMALL = "munpfazy"


def humanized(value: float) -> str:
    """A number with four significant digits and an SI prefix, as ``humanize`` of Prometheus."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    prefix = ""
    if abs(value) >= 1:
        for each in _LARGE:
            if abs(value) < 1000:
                break
            prefix = each
            value /= 1000
    elif value:
        for each in _SMALL:
            if abs(value) >= 1:
                break
            prefix = each
            value *= 1000
    return f"{value:.4g}{prefix}"


def duration(seconds: float) -> str:
    """Seconds as ``1d 2h 3m 4s``, as ``humanizeDuration`` of Prometheus."""
    if not math.isfinite(seconds):
        return humanized(seconds)
    if abs(seconds) < 1:
        return f"{humanized(seconds)}s"
    sign, whole = "-" if seconds < 0 else "", int(abs(seconds))
    if whole < 60:
        return f"{seconds:.4g}s"
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "m")]
    while not parts[0][0]:
        parts.pop(0)
    return sign + "".join(f"{number}{unit} " for number, unit in parts) + f"{whole % 60}s"


def percentage(share: float) -> str:
    """A share of 1 in per cent, as ``humanizePercentage`` of Prometheus."""
    return f"{share * 100:.4g}%" if math.isfinite(share) else humanized(share)


_FORMS: Mapping[str | None, Callable[[float], str]] = MappingProxyType(
    {None: humanized, "duration": duration, "percentage": percentage}
)


def filled(text: str, value: float, labels: Mapping[str, str]) -> str:
    """The text with the value and labels filled in; an absent label is empty."""

    def found(match: re.Match[str]) -> str:
        name, form = match.groups()
        return _FORMS[form](value) if name == "value" else labels.get(name, "")

    return PLACEHOLDER.sub(found, text)
