"""Values of series as promtool's unit tests write them: ``0 1+2x3 _ stale``."""

from __future__ import annotations

import re
from typing import Literal

_NUMBER = r"[-+]?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?"
_PART = re.compile(
    rf"(?P<first>{_NUMBER})(?:(?P<step>[-+][0-9]+(?:\.[0-9]+)?)x(?P<more>[0-9]+))?|"
    r"_(?:x(?P<gaps>[0-9]+))?|(?P<stale>stale)"
)

Written = float | None | Literal["stale"]
"""A sample; ``None`` where there is none, ``stale`` where the series ends."""


def expanded(values: str) -> list[Written]:
    """One after the other. ``a+bxn`` is a, and n more, each larger by b.

    Raises:
        ValueError: a part is not of this notation.
    """
    found: list[Written] = []
    for part in values.split():
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is not the notation of promtool")
        if match["stale"]:
            found.append("stale")
        elif match["first"] is None:
            found += [None] * int(match["gaps"] or 1)
        else:
            first, step = float(match["first"]), float(match["step"] or 0)
            found += [first + step * n for n in range(int(match["more"] or 0) + 1)]
    return found


def written(values: list[Written]) -> str:
    """The notation of single values, which :func:`expanded` reads back."""
    return " ".join("_" if value is None else _shown(value) for value in values)


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.15g}"
