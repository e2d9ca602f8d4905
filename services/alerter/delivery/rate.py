"""How often a receiver is told: a token bucket."""

from __future__ import annotations


class TokenBucket:
    """Holds up to ``burst`` tokens; ``per_minute`` of them come back in a minute, evenly.

    Times in seconds of one monotonic clock.
    """

    def __init__(self, per_minute: float, burst: int, now: float) -> None:
        self._per_second = per_minute / 60
        self._burst = float(burst)
        self._tokens = float(burst)
        self._at = now

    def wait(self, now: float) -> float:
        """Seconds until there is a token; 0 when there is one."""
        self._refill(now)
        return max(0.0, (1 - self._tokens) / self._per_second)

    def take(self, now: float) -> bool:
        """Take a token if there is one."""
        self._refill(now)
        if self._tokens < 1 - 1e-9:  # what wait() said must be enough in spite of rounding
            return False
        self._tokens = max(0.0, self._tokens - 1)
        return True

    def _refill(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        self._tokens = min(self._burst, self._tokens + passed * self._per_second)
        self._at = max(self._at, now)
