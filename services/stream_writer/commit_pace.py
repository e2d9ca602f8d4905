"""How long to gather rows before the next commit: longer when commits are slow.

Commits may take a fifth of the time; beyond that the interval stretches, so that an overloaded
catalog is asked less often, not more. The median of the last few commits counts: the first one of
a process, or one that met a conflict, does not slow the next ones down.
"""

from __future__ import annotations

from collections import deque
from statistics import median

COMMIT_SHARE = 0.2
REMEMBERED = 5
LONGEST_S = 10.0


class CommitPace:
    """Interval between the commits of one table, in seconds."""

    def __init__(self, shortest_s: float) -> None:
        self._shortest_s = shortest_s
        self._seconds: deque[float] = deque(maxlen=REMEMBERED)

    @property
    def commit_s(self) -> float:
        """Median duration of the last commits; 0 before there were three."""
        return median(self._seconds) if len(self._seconds) >= 3 else 0.0

    @property
    def interval_s(self) -> float:
        """How old the oldest row may become before it is committed."""
        stretched = min(self.commit_s / COMMIT_SHARE, LONGEST_S)
        return max(self._shortest_s, stretched)

    def note(self, seconds: float) -> None:
        """A commit took so long."""
        self._seconds.append(seconds)
