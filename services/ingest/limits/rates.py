"""How much of one source is let in per second: token buckets.

Only verified deliveries take tokens: forged ones cannot lock out the vendor.
"""

from __future__ import annotations

from collections.abc import Callable


class TokenBucket:
    """``per_second`` on average, a second's worth (at least 1) at once; 0: no limit."""

    __slots__ = ("_at", "_burst", "_clock", "_rate", "_tokens")

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._rate = per_second
        self._burst = max(per_second, 1.0)
        self._tokens = self._burst
        self._clock = clock
        self._at = clock()

    def wait(self, amount: float) -> float:
        """Seconds until ``amount`` can be taken, 0 when now.

        What is more than a second's worth can be taken when the bucket is full; it is paid off
        afterwards.
        """
        if not self._rate:
            return 0.0
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, (min(amount, self._burst) - self._tokens) / self._rate)

    def take(self, amount: float) -> None:
        """Take it; see :meth:`wait`."""
        self._tokens -= amount


class SourceRate:
    """Requests and bytes per second of one source.

    Args:
        requests_per_s, bytes_per_s: 0: no limit.
        clock: seconds, monotonic.
    """

    __slots__ = ("_bytes", "_requests", "is_limited")

    def __init__(
        self, requests_per_s: float, bytes_per_s: float, clock: Callable[[], float]
    ) -> None:
        self.is_limited = bool(requests_per_s or bytes_per_s)
        self._requests = TokenBucket(requests_per_s, clock)
        self._bytes = TokenBucket(bytes_per_s, clock)

    def take(self, size: int) -> float:
        """Let in a request of ``size`` bytes: 0 when it may, else the seconds until it might."""
        wait = max(self._requests.wait(1), self._bytes.wait(size))
        if not wait:
            self._requests.take(1)
            self._bytes.take(size)
        return wait
