"""Something that does not hold, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that does not hold.

    Attributes:
        about: text in the declaration that it is about; tells the line.
        what: what is wrong.
        next_step: what to do about it.
    """

    about: str
    what: str
    next_step: str


def repeated(kind: str, names: Iterable[str]) -> Iterator[Wrong]:
    """Names that are there more than once."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield Wrong(name, f"{kind} {name} is declared twice", "take one out")
        seen.add(name)
