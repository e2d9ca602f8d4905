"""When an instance spooled, for how long and how much: what is told of it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from shared.contracts.spool import SpoolChanged

QUIET_S = 1.0
"""An episode ends when the broker has had everything for so long: a slow one does not flicker."""


class Episodes:
    """Follows the spool and tells when spooling begins and ends.

    Args:
        instance: host and directory.
        tell: publishes an event, once the broker can be reached.
    """

    def __init__(self, instance: str, tell: Callable[[SpoolChanged], None]) -> None:
        self._instance = instance
        self._tell = tell
        self._since: float | None = None
        self._empty_since: float | None = None
        self._reason = ""
        self._records = self._replayed = self._refused = self._peak = 0

    @property
    def since(self) -> float | None:
        """When the present one began, unix seconds; ``None`` when there is none."""
        return self._since

    @property
    def reason(self) -> str:
        """Why the present one began."""
        return self._reason

    def spooled(self, now: float, reason: str, records: int = 1) -> None:
        """Records go to the spool, or were found in it."""
        if self._since is None:
            self._since = now
            self._reason = reason
            self._records = self._replayed = self._refused = self._peak = 0
            self._say("began", now)
        self._empty_since = None
        self._records += records

    def replayed(self, records: int) -> None:
        """Records were sent from the spool."""
        self._replayed += records

    def refused(self) -> None:
        """A delivery could not be kept."""
        if self._since is not None:
            self._refused += 1

    def look(self, now: float, outstanding: int, size: int) -> bool:
        """Called often; true when the present episode ended with this look.

        Args:
            now: unix seconds.
            outstanding: records that the broker does not have.
            size: bytes on disk.
        """
        if self._since is None:
            return False
        self._peak = max(self._peak, size)
        if outstanding:
            self._empty_since = None
            return False
        if self._empty_since is None:
            self._empty_since = now
        if now - self._empty_since < QUIET_S:
            return False
        self._say("ended", self._empty_since)
        self._since = self._empty_since = None
        return True

    def _say(self, change: str, at: float) -> None:
        began = self._since or at
        self._tell(
            SpoolChanged(
                instance=self._instance,
                change="began" if change == "began" else "ended",
                reason=self._reason,
                began_at=datetime.fromtimestamp(began, UTC),
                changed_at=datetime.fromtimestamp(at, UTC),
                records=self._records,
                replayed=self._replayed,
                refused=self._refused,
                peak_bytes=self._peak,
                seconds=max(0.0, at - began),
            )
        )
