"""Stop a table when most of what arrives is bad: a wrong deploy must not fill it with errors."""

from __future__ import annotations

from collections import deque

TOO_MANY_BAD = "too_many_bad_records"
"""Why the partitions are stopped, as a stable word."""


class BadShareGate:
    """Share of bad records among the recent ones of one table.

    Trips when the window holds at least ``minimum`` bad records and their share exceeds
    ``share``. After :meth:`resume` it does not trip again before the share was fine once.
    """

    def __init__(self, share: float, minimum: int, window: int = 1000) -> None:
        self._share = share
        self._minimum = minimum
        self._window = max(window, minimum)
        self._counts: deque[tuple[int, int]] = deque()
        self._rows = 0
        self._bad = 0
        self.overridden = False

    def admit(self, rows: int, bad: int) -> bool:
        """Whether a batch of ``rows`` records, ``bad`` of them bad, may be committed.

        A batch that is refused is not remembered: it will be offered again.
        """
        total, total_bad = self._rows + rows, self._bad + bad
        wrong = total_bad >= self._minimum and total_bad > self._share * total
        if wrong and not self.overridden:
            return False
        if not wrong:
            self.overridden = False
        self._counts.append((rows, bad))
        self._rows, self._bad = total, total_bad
        while self._counts and self._rows - self._counts[0][0] >= self._window:
            old_rows, old_bad = self._counts.popleft()
            self._rows -= old_rows
            self._bad -= old_bad
        return True

    def resume(self) -> None:
        """An operator wants the table to go on."""
        self.overridden = True
