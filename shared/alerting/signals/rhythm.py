"""How far apart things come that happen again and again, as far as a week tells."""

from __future__ import annotations

from pydantic import Field

from shared.contracts.event import Contract

HOUR_S = 3600.0
WEEK_HOURS = 168


class Remembered(Contract):
    """A rhythm as it is kept over a restart. Times in seconds since the epoch."""

    first: float | None = None
    last: float | None = None
    times: int = Field(default=0, ge=0)
    gaps: dict[int, tuple[float, float]] = Field(default_factory=dict)
    """Hour in which gaps ended → the shortest and the longest of them."""


class Rhythm:
    """The gaps between moments of the last week, by the hour in which each ended.

    Holds two numbers for each of at most 169 hours. What is told again changes nothing: a moment
    that is not after the last one is passed over.
    """

    def __init__(self, remembered: Remembered | None = None) -> None:
        known = remembered or Remembered()
        self.first = known.first
        """The first moment ever."""
        self.last = known.last
        """The last moment."""
        self.times = known.times
        """How many moments there were."""
        self._gaps = dict(known.gaps)

    def happened(self, at: float, due: float | None = None) -> bool:
        """It happened at this moment; whether that is new.

        ``due``: it would have been at this one, had nothing held it up: the gap ends there.
        """
        before = self.last
        if before is not None and at <= before:
            return False
        self.last = at
        self.times += 1
        if before is None:
            self.first = at
            return True
        hour, gap = int(at // HOUR_S), max(0.0, (at if due is None else min(at, due)) - before)
        shortest, longest = self._gaps.get(hour, (gap, gap))
        self._gaps[hour] = (min(shortest, gap), max(longest, gap))
        for old in [each for each in self._gaps if each < hour - WEEK_HOURS]:
            del self._gaps[old]
        return True

    @property
    def shortest_gap_s(self) -> float | None:
        """The shortest gap that ended within a week before the last one; ``None``: no gap yet."""
        return min((shortest for shortest, _ in self._gaps.values()), default=None)

    @property
    def longest_gap_s(self) -> float | None:
        """The longest of these gaps; ``None``: no gap yet."""
        return max((longest for _, longest in self._gaps.values()), default=None)

    def remembered(self) -> Remembered:
        """All of it."""
        return Remembered(first=self.first, last=self.last, times=self.times, gaps=self._gaps)
