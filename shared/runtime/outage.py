"""Tell of something that fails again and again without flooding the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

REMIND_S = 30.0
"""How often a lasting failure is repeated in the log."""


class Log(Protocol):
    """What is needed of a structlog logger."""

    def warning(self, event: str, **fields: object) -> object:
        """Log at level warning."""

    def info(self, event: str, **fields: object) -> object:
        """Log at level info."""


class Outage:
    """One thing that is tried until it works: its first failure, reminders, and its end."""

    def __init__(
        self, log: Log, event: str, clock: Callable[[], float] = time.monotonic, **fields: object
    ) -> None:
        self._log = log
        self._event = event
        self._fields = fields
        self._clock = clock
        self._since: float | None = None
        self._told = 0.0
        self.failures = 0
        """Failures in a row."""

    def failed(self, error: BaseException) -> None:
        """It failed (again): logged at once, then every :data:`REMIND_S`."""
        now = self._clock()
        self.failures += 1
        if self._since is None:
            self._since = now
        elif now - self._told < REMIND_S:
            return
        self._told = now
        self._log.warning(
            self._event,
            error=f"{type(error).__name__}: {error}",
            failures=self.failures,
            **self._fields,
        )

    def over(self) -> None:
        """It works: logged if it had failed."""
        if self._since is None:
            return
        lasted = round(self._clock() - self._since, 1)
        failures, self.failures, self._since = self.failures, 0, None
        self._log.info(f"over: {self._event}", failures=failures, lasted_s=lasted, **self._fields)
