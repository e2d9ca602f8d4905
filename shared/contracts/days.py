"""A range of days: what a refresh can be narrowed to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Days:
    """From one day to another, both included; an end that is ``None`` is open.

    A moment belongs to its day in UTC, as in the date columns of the tables.

    Raises:
        ValueError: it holds no day.
    """

    first: date | None
    last: date | None

    def __post_init__(self) -> None:
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError(f"{self.first} to {self.last} holds no day")

    @classmethod
    def between(cls, first: date | None, last: date | None) -> Days | None:
        """The range; ``None`` where neither end is given.

        Raises:
            ValueError: it holds no day.
        """
        return None if first is None and last is None else cls(first, last)

    def hull(self, other: Days) -> Days:
        """The smallest range that holds both."""
        firsts, lasts = (self.first, other.first), (self.last, other.last)
        return Days(
            None if None in firsts else min(day for day in firsts if day is not None),
            None if None in lasts else max(day for day in lasts if day is not None),
        )

    def holds(self, other: Days) -> bool:
        """Whether the other range lies within this one."""
        return self.hull(other) == self

    def __str__(self) -> str:
        """For people: ``2026-01-01 to 2026-01-31``."""
        if self.first is None:
            return "all days" if self.last is None else f"days up to {self.last}"
        if self.last is None:
            return f"days from {self.first}"
        if self.first == self.last:
            return f"day {self.first}"
        return f"days {self.first} to {self.last}"
