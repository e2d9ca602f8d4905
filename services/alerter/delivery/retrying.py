"""How long to wait before something is tried once more."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_DOUBLINGS = 16


@dataclass(frozen=True, slots=True)
class Pace:
    """How a receiver is treated.

    Attributes:
        per_minute, burst: how often it is told, see :class:`~services.alerter.delivery.rate`.
        first_s, longest_s: pause after the first failure, which doubles with each; its limit.
        attempts: of one notification without a resolve in it; then it is given up.
        rest_s: how long what was given up, or refused for good, rests before it is tried anew.
        waiting: groups that may wait at a time.
    """

    per_minute: float = 60.0
    burst: int = 10
    first_s: float = 1.0
    longest_s: float = 60.0
    attempts: int = 8
    rest_s: float = 300.0
    waiting: int = 1000

    def pause(self, failures: int, chance: float) -> float:
        """Seconds after so many failures in a row: half is fixed, half is up to chance (0 … 1).

        Several alerters that lost the same receiver do not come back to it all at once.
        """
        whole = min(
            self.first_s * 2.0 ** min(max(failures - 1, 0), _MOST_DOUBLINGS), self.longest_s
        )
        return whole * (0.5 + 0.5 * chance)
