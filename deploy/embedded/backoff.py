"""How long to wait before a process that died is started again."""

from __future__ import annotations

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
HEALTHY_AFTER_SECONDS = 30.0
"""A process that ran this long before it died starts again without the history of failures."""


def delay(failures: int) -> float:
    """Seconds before the next start after so many failures in a row: doubles up to a limit."""
    if failures <= 0:
        return 0.0
    return min(FIRST_SECONDS * 2.0 ** min(failures - 1, 16), LONGEST_SECONDS)


def failures_after(failures: int, ran_seconds: float) -> int:
    """The count of failures in a row once a process has died after running so long."""
    return 1 if ran_seconds >= HEALTHY_AFTER_SECONDS else failures + 1
