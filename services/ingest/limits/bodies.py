"""How large a body may be, and how long it may take."""

from __future__ import annotations

from typing import NamedTuple

from services.ingest.problem import BODY_TIMEOUT, BODY_TOO_LARGE, Refused

GRACE_SECONDS = 1.0
"""A body's speed is judged after so long: a lost packet is sent again within it."""


class BodyLimits(NamedTuple):
    """Bounds of a body on the wire.

    Attributes:
        bytes: its size.
        timeout_s: longest wait for the whole of it.
        bytes_per_s: slowest that it may come, on average; 0: any speed.
    """

    bytes: int
    timeout_s: float
    bytes_per_s: float

    def patience(self, received: int) -> float:
        """Seconds from a body's begin for which more of it is waited for."""
        if not self.bytes_per_s:
            return self.timeout_s
        return min(self.timeout_s, GRACE_SECONDS + received / self.bytes_per_s)

    def too_large(self) -> Refused:
        """The refusal of a body that is too large."""
        return Refused(BODY_TOO_LARGE, f"the body is larger than {self.bytes} bytes")

    def too_slow(self, received: int) -> Refused:
        """The refusal of a body that did not come in time."""
        patience = self.patience(received)
        if patience < self.timeout_s:
            return Refused(
                BODY_TIMEOUT, f"the body came slower than {self.bytes_per_s:g} bytes per second"
            )
        return Refused(BODY_TIMEOUT, f"the body was not complete after {self.timeout_s:g} s")
