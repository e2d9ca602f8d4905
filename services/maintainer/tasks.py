"""One thing to do to one table, and what follows from its end: the agenda's words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from services.maintainer.requests import Request
from shared.contracts.maintenance import JobCause, JobName

LOOK = "look"
IN_ORDER: tuple[JobName, ...] = ("restamp", "compact", "manifests", "unreferenced")
"""Jobs that a look may find due, in the order in which they are done to a table."""
TIMED: tuple[JobName, ...] = ("expire", "orphans", "quality")
"""Jobs that come after their time."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do to one table.

    Attributes:
        table: the table.
        job: what; ``None``: look at it.
        cause: what asked.
        reason: why, in words.
        attempt: 1, or more after failures.
        request: the request that it belongs to, if an operator asked.
    """

    table: str
    job: JobName | None
    cause: JobCause = "policy"
    reason: str = ""
    attempt: int = 1
    request: Request | None = None

    @property
    def what(self) -> str:
        """The job, or that it is a look."""
        return self.job or LOOK


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from the end of a task.

    Attributes:
        attempt: number of the failure in a row; 0 when it succeeded.
        again_in_s: when it is tried again; ``None``: not by itself.
        finished: the request that has ended with it.
    """

    attempt: int = 0
    again_in_s: float | None = None
    finished: Request | None = None
