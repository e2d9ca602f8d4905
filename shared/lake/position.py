"""How far one partition is consumed, and what its records became. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Adoptions = tuple[tuple[int, str], ...]
"""Offset and reason of each statement of an operator, oldest first."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The last record consumed from a partition."""

    offset: int
    delivery_id: str | None
    timestamp: int
    """Milliseconds since the epoch, as the broker stores it."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of offsets of one log: ``next - first == rows + gaps + files``.

    Attributes:
        first, next: the offsets ``[first, next)``.
        rows: records that are a row.
        gaps: offsets that have none.
        errors: rows with an error, of files, too.
        reason: why the stretch began, when an operator began it.
        files: records that announced a file which was loaded.
        loaded: rows that those files brought: what the table did not hold before.
    """

    first: int
    next: int
    rows: int = 0
    gaps: int = 0
    errors: int = 0
    reason: str = ""
    files: int = 0
    loaded: int = 0

    @property
    def landed(self) -> int:
        """Rows that the table has of it."""
        return self.rows + self.loaded

    def written(self) -> list[Any]:
        """As the summary holds it."""
        plain = [self.first, self.next, self.rows, self.gaps, self.errors, self.reason]
        return [*plain, self.files, self.loaded] if self.files else plain


@dataclass(frozen=True, slots=True)
class Position:
    """Where a table stands in one partition."""

    stretches: tuple[Stretch, ...]
    tail: Tail | None = None

    @property
    def next(self) -> int:
        """Next offset to consume."""
        return self.stretches[-1].next
