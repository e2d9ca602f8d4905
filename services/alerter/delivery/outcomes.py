"""What became of notifications, as metrics."""

from __future__ import annotations

import contextlib
from typing import Literal

from shared.runtime.metrics import Instruments

Outcome = Literal["delivered", "failed", "gave_up", "coalesced", "withdrawn", "refused"]


class Outcomes:
    """Counts of one receiver.

    Args:
        instruments: of the alerter.
        receiver: its name.
    """

    def __init__(self, instruments: Instruments, receiver: str) -> None:
        self._receiver = receiver
        self._total = instruments.counter("lakehouse_notifications_total")
        self._queue = instruments.gauge("lakehouse_notification_queue")
        for outcome in ("delivered", "failed", "gave_up"):
            self._total.labels(receiver, outcome)  # 0 from the start: increases are then seen
        self.waiting(0)

    def count(self, outcome: Outcome, number: int = 1) -> None:
        """Something became of so many."""
        if number:
            self._total.labels(self._receiver, outcome).inc(number)

    def waiting(self, number: int) -> None:
        """So many groups wait."""
        self._queue.labels(self._receiver).set(number)


def forget_queue(instruments: Instruments, receiver: str) -> None:
    """A receiver is gone, and so is its queue; what was counted stays."""
    with contextlib.suppress(KeyError):
        instruments.gauge("lakehouse_notification_queue").remove(receiver)
