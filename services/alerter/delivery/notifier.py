"""What a receiver is, and how it says that it was not reached."""

from __future__ import annotations

from typing import Protocol

from shared.alerting.notifying.notification import Notification
from shared.runtime.errors import BerglineError


class NotDelivered(BerglineError):
    """Raised when a receiver did not take a notification, or may not have taken it.

    Its text never holds addresses or answers: both may hold secrets.

    Attributes:
        again: whether the same may be taken later: network, 429, 5xx.
        retry_after_s: how long the receiver asked to be left alone; ``None`` when it did not.
    """

    def __init__(self, what: str, *, again: bool, retry_after_s: float | None = None) -> None:
        super().__init__(what)
        self.again = again
        self.retry_after_s = retry_after_s


class Notifier(Protocol):
    """One receiver."""

    async def notify(self, notification: Notification) -> None:
        """Return once the receiver took it. Must be bounded in time, and may be cancelled.

        Raises:
            NotDelivered: it was not taken, or nobody knows.
        """

    async def prepare(self) -> None:
        """Find out what can be wrong before anything is to be sent; called once, at start.

        Raises:
            ConfigurationError: it can never work as it is configured.
        """

    async def close(self) -> None:
        """Release connections and threads. Does not wait for calls under way."""
