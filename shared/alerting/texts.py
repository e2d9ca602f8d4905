"""Texts of alerts: values and labels filled in, numbers as humans read them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""``{value}`` and ``{<label>}`` in texts of rules."""

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


def filled(text: str, value: float, labels: Mapping[str, str]) -> str:
    """The text with ``{value}`` humanized and labels filled in; an absent label is empty."""

    def found(match: re.Match[str]) -> str:
        name = match.group(1)
        return humanized(value) if name == "value" else labels.get(name, "")

    return PLACEHOLDER.sub(found, text)
