"""Moments at which something is committed, until the process is told to end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator


class Pace:
    """Moments so far apart; those that were missed are left out, not made up for."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._ending = threading.Event()

    def obey_signals(self) -> None:
        """SIGTERM ends the moments, after the commit that is under way."""
        signal.signal(signal.SIGTERM, lambda *_: self._ending.set())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the soak itself ends us

    def moments(self) -> Iterator[int]:
        """Numbers from 0 on, each when its moment has come."""
        due, number = time.monotonic(), 0
        while not self._ending.wait(max(0.0, due - time.monotonic())):
            yield number
            number += 1
            due = max(due + self._period_s, time.monotonic())
