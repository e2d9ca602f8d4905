"""How much is let in at once, so that memory is bounded whatever the broker or a sender does."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from services.ingest.problem import OVERLOADED, RETRY_AFTER_SECONDS, Refused


class Admission:
    """Counts deliveries and body bytes from the first byte read until the broker has settled them.

    A delivery that was answered 503 because the broker is slow still occupies the producer's
    memory, so it is counted until the producer lets go of it.
    """

    def __init__(self, max_deliveries: int, max_bytes: int) -> None:
        self.max_deliveries = max_deliveries
        self.max_bytes = max_bytes
        self.deliveries = 0
        self.bytes = 0

    def hold(self) -> Hold:
        """Room for one delivery, to be used as a context manager.

        Raises:
            Refused: there is none.
        """
        if self.deliveries >= self.max_deliveries:
            raise _overloaded(f"{self.max_deliveries} deliveries are in flight")
        self.deliveries += 1
        return Hold(self)


class Hold:
    """What one delivery occupies; given back when its context ends, or when its record settles."""

    __slots__ = ("_admission", "_lent", "_size")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._size = 0
        self._lent = False

    def grow(self, size: int) -> None:
        """Occupy ``size`` further bytes.

        Raises:
            Refused: there is no room for them.
        """
        admission = self._admission
        if admission.bytes + size > admission.max_bytes:
            raise _overloaded(f"{admission.max_bytes} bytes of bodies are in flight")
        admission.bytes += size
        self._size += size

    def lend(self) -> None:
        """Keep the room beyond the context, until :meth:`give_back` is called."""
        self._lent = True

    def give_back(self) -> None:
        """Give the room back; to be called once."""
        self._admission.deliveries -= 1
        self._admission.bytes -= self._size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._lent:
            self.give_back()


class RateLimit:
    """Token bucket: ``per_second`` on average, a second's worth at once; 0 lets everything pass.

    Only verified deliveries take a token: forged ones cannot lock out the vendor.
    """

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._rate = per_second
        self._burst = max(per_second, 1.0)
        self._tokens = self._burst
        self._clock = clock
        self._at = clock()

    def take(self) -> float:
        """Take a token: 0 when there was one, else the seconds until there will be."""
        if not self._rate:
            return 0.0
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1.0:
            return (1.0 - self._tokens) / self._rate
        self._tokens -= 1.0
        return 0.0


def _overloaded(detail: str) -> Refused:
    return Refused(OVERLOADED, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
