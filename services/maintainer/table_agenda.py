"""What is asked, due and failing of one table; the agenda chooses among the tables. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.maintainer.pace import LEAST_LOOK_S, Pace
from services.maintainer.requests import Request
from services.maintainer.tasks import IN_ORDER, LOOK, Task, Verdict
from shared.contracts.maintenance import JobName


@dataclass(slots=True)
class Asked:
    """A request of an operator.

    Attributes:
        left: its jobs that have not ended well, the next one first.
        failures: of that one, in a row.
        not_before: when it may be tried again.
    """

    request: Request
    left: deque[JobName]
    failures: int = 0
    not_before: float = 0.0


@dataclass(slots=True)
class TableAgenda:
    """Moments are monotonic seconds.

    Attributes:
        asked: what operators ask, oldest first.
        wanted: what the last look found due, with the reasons.
        last: when each thing was last done well.
        failures: of each thing, in a row.
        not_before: when what failed may be tried again.
        files: data files that came since the last look.
    """

    asked: deque[Asked] = field(default_factory=deque)
    wanted: dict[JobName, str] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    not_before: dict[str, float] = field(default_factory=dict)
    files: int = 0

    def holds(self, request: Request) -> bool:
        """Whether that is asked."""
        return any(each.request.identity == request.identity for each in self.asked)

    def may(self, what: str, now: float) -> bool:
        """Whether no failure stands against it."""
        return self.not_before.get(what, now) <= now

    def attempt(self, what: str) -> int:
        """The number of the next attempt."""
        return self.failures.get(what, 0) + 1

    def look_due(self, now: float, pace: Pace) -> bool:
        """Whether it is time for a look: the first, one that failed, or by files and time."""
        if LOOK not in self.last or LOOK in self.failures:
            return True
        return pace.look_due(now - self.last[LOOK], self.files)

    def found(self, due: Mapping[JobName, str]) -> dict[JobName, int]:
        """A look found these jobs due, with the reasons. Jobs of which a failure is over, as they
        are due no more, with the number that their next attempt would have had."""
        self.wanted = {job: due[job] for job in IN_ORDER if job in due}
        over: dict[JobName, int] = {}
        for job in IN_ORDER:
            if job not in due:
                if job in self.failures:
                    over[job] = self.attempt(job)
                self.failures.pop(job, None)
                self.not_before.pop(job, None)
        return over

    def succeeded(self, task: Task, now: float) -> None:
        """It was done well."""
        self.last[task.what] = now
        self.failures.pop(task.what, None)
        self.not_before.pop(task.what, None)
        if task.job is not None:
            self.wanted.pop(task.job, None)

    def failed(self, what: str, now: float, pace: Pace) -> Verdict:
        """It failed: what comes by itself is tried for ever, ever more slowly."""
        failures = self.failures[what] = self.failures.get(what, 0) + 1
        pause = pace.pause(failures)
        self.not_before[what] = now + pause
        return Verdict(failures, pause)

    def ended_asked(
        self, task: Task, now: float, pace: Pace, *, failed: bool, retriable: bool
    ) -> Verdict:
        """A job of a request has ended, well or not."""
        asked = next((each for each in self.asked if each.request is task.request), None)
        if asked is None:  # the table went away meanwhile and came back
            return Verdict(attempt=task.attempt if failed else 0)
        if not failed and task.job is not None:
            asked.left.popleft()
            asked.failures = 0
            self.succeeded(task, now)
            if asked.left:
                return Verdict()
            self.asked.remove(asked)
            return Verdict(finished=asked.request)
        asked.failures += 1
        if retriable and asked.failures < pace.attempts:
            pause = pace.pause(asked.failures)
            asked.not_before = now + pause
            return Verdict(asked.failures, pause)
        self.asked.remove(asked)
        return Verdict(asked.failures, finished=asked.request)

    def moments(self, now: float, periods: Mapping[str, float], pace: Pace) -> list[float]:
        """When something may be due if nothing happens before; ``periods`` of what comes by time"""
        found = [asked.not_before for asked in list(self.asked)[:1]]
        found += [self.not_before.get(job, now) for job in self.wanted]
        for what, period in periods.items():
            due = self.last.get(what, now) + period if what in self.last else now
            if what == LOOK and LOOK in self.failures:
                due = now
            found.append(max(due, self.not_before.get(what, now)))
        if self.files >= pace.look_files and LOOK in self.last:
            found.append(max(self.last[LOOK] + LEAST_LOOK_S, self.not_before.get(LOOK, now)))
        return found

    def condition(self, now: float) -> str:
        """What waits and what fails, in words."""
        waiting = [*(job for asked in self.asked for job in asked.left), *self.wanted]
        failing = [
            f"{what} failed, again in {max(0.0, moment - now):.0f} s"
            for what, moment in self.not_before.items()
        ]
        return "; ".join([*(f"{job} waits" for job in waiting), *failing])
