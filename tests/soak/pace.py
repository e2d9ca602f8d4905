"""A commit a second, until the process is told to end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

PERIOD_S = 1.0


class Pace:
    """Moments a second apart; those that were missed are left out, not made up for.

    Args:
        lag_s: after whole seconds, so that writers do not all begin at once.
    """

    def __init__(self, lag_s: float) -> None:
        self._lag_s = lag_s
        self._ending = threading.Event()

    def obey_signals(self) -> None:
        """SIGTERM ends the moments, after the commit that is under way."""
        signal.signal(signal.SIGTERM, lambda *_: self._ending.set())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the soak itself ends us

    def end(self) -> None:
        """No more moments."""
        self._ending.set()

    def moments(self) -> Iterator[float]:
        """The present time at each moment, in seconds since the epoch."""
        due = float(int(time.time()) + 1) + self._lag_s
        while not self._ending.wait(max(0.0, due - time.time())):
            yield time.time()
            due = max(due + PERIOD_S, float(int(time.time())) + self._lag_s)
