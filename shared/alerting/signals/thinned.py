"""How many snapshots thinning leaves of the commits of a table."""

from __future__ import annotations

from collections import deque

DENSE_S = 120.0
MINUTES = 60
HOURS = 168
"""What thinning keeps: every snapshot of so many seconds, then the last of so many minutes, then
the last of so many hours."""

_MINUTE_S, _HOUR_S = 60.0, 3600.0
MOST_DENSE = 10_000
"""Commits of the dense seconds that are told apart."""


class Thinned:
    """The commits of one table, as far as thinning asks when they were.

    Holds no more than 61 minutes, 169 hours and the moments of the dense seconds.

    Args:
        dense_s: how long every snapshot is kept.
        whole: whether the first commit that is told is the table's first. If not, as many as there
            may be at most are taken to have been before it, one a second.
    """

    def __init__(self, dense_s: float = DENSE_S, *, whole: bool = False) -> None:
        self._dense_s = dense_s
        self._whole = whole
        self._first: float | None = None
        self._last = 0.0
        self._dense: deque[float] = deque(maxlen=MOST_DENSE)
        self._minutes: dict[int, float] = {}
        self._hours: dict[int, float] = {}

    def committed(self, at: float) -> None:
        """There was a commit, in seconds since the epoch; clocks that go back a little stand."""
        if self._first is None:
            self._first = at
        self._last = at = max(self._last, at)
        self._dense.append(at)
        while self._dense[0] <= at - self._dense_s:
            self._dense.popleft()
        _keep(self._minutes, at, _MINUTE_S, MINUTES)
        _keep(self._hours, at, _HOUR_S, HOURS)

    @property
    def left(self) -> float:
        """Snapshots after the last commit, at most; there is none without a commit."""
        if self._first is None:
            return 0.0
        known = len(self._dense) + len(self._minutes) + len(self._hours)
        if self._whole:
            return float(known)
        told_s = self._last - self._first
        before = (
            max(0.0, self._dense_s - told_s),
            max(0.0, MINUTES - told_s / _MINUTE_S),
            max(0.0, HOURS - told_s / _HOUR_S),
        )
        return known + sum(before)


def _keep(last_of: dict[int, float], at: float, grain_s: float, grains: int) -> None:
    grain = int(at // grain_s)
    if grain in last_of:
        last_of[grain] = at
        return
    last_of[grain] = at
    for old in [each for each, last in last_of.items() if at - last >= grains * grain_s]:
        del last_of[old]
