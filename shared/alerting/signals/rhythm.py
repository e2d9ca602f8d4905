"""How far apart things come that happen again and again, as far as a week tells."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor

from pydantic import Field

from shared.contracts.event import Contract

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
WEEK_HOURS = 168
ABOUT_S = 2 * HOUR_S
"""So far apart two moments of different days are about the same time of day."""


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
        self._about: tuple[tuple[int, float | None], float | None] | None = None

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
    def longest_gap_s(self) -> float | None:
        """The longest gap that ended within a week before the last one; ``None``: no gap yet."""
        return max((longest for _, longest in self._gaps.values()), default=None)

    def longest_gap_about(self, now: float) -> float | None:
        """The longest gap of the last week within which it was about this time of another day;
        ``None``: none is known."""
        at = int(now // HOUR_S), self.last
        if self._about is None or self._about[0] != at:
            self._about = at, max(self._gaps_about(at[0] * HOUR_S), default=None)
        return self._about[1]

    def _gaps_about(self, now: float) -> Iterator[float]:
        for hour, (_, longest) in self._gaps.items():
            ended = (hour + 1) * HOUR_S + ABOUT_S
            began = hour * HOUR_S - longest - ABOUT_S
            first, last = ceil((now - ended) / DAY_S), floor((now - began) / DAY_S)
            if max(first, 1) <= min(last, 7):  # so many days ago it was open about this time
                yield longest

    def remembered(self) -> Remembered:
        """All of it."""
        return Remembered(first=self.first, last=self.last, times=self.times, gaps=self._gaps)
