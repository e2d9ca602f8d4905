"""What of a mapping of immutable values is another one since it was last looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

_T = TypeVar("_T")


def differing(known: dict[str, _T], present: Mapping[str, _T]) -> dict[str, _T | None]:
    """What is another object in ``present``, not an equal one; ``None``: it is there no more.

    From then on it is known.
    """
    found: dict[str, _T | None] = {
        key: value for key, value in present.items() if known.get(key) is not value
    }
    added = sum(key not in known for key in found)
    if len(known) + added > len(present):
        found |= dict.fromkeys(known.keys() - present.keys())
    for key, value in found.items():
        if value is None:
            del known[key]
        else:
            known[key] = value
    return found
