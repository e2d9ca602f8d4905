"""What is done next, to which table, and why: commands, what a look found due, looks, timers.

Pure: it is told what happens and what time it is (monotonic seconds). One job of a table at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from services.maintainer.pace import LEAST_LOOK_S, Pace
from services.maintainer.requests import Request
from shared.contracts.maintenance import JobCause, JobName

LOOK = "look"
IN_ORDER: tuple[JobName, ...] = ("restamp", "compact", "manifests", "unreferenced")
"""Jobs that a look may find due, in the order in which they are done to a table."""
TIMED: tuple[JobName, ...] = ("expire", "orphans", "quality")
"""Jobs that come after their time."""
REMEMBERED = 1000
"""Requests that are known again when the group delivers them once more."""


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


@dataclass(slots=True)
class _Asked:
    request: Request
    left: deque[JobName]
    failures: int = 0
    not_before: float = 0.0


@dataclass(slots=True)
class _Table:
    asked: deque[_Asked] = field(default_factory=deque)
    wanted: dict[JobName, str] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    not_before: dict[str, float] = field(default_factory=dict)
    files: int = 0


class Agenda:
    """The plan of one worker.

    Args:
        tables: every table.
        pace: when something is done by itself.
        checked: the entity index, whose quality is checked. It may be none of the tables yet; then
            nothing else is done to it.
    """

    def __init__(self, tables: Iterable[str], pace: Pace, checked: str | None = None) -> None:
        maintained = dict.fromkeys(tables)
        also = () if checked is None else (checked,)
        self.tables = tuple(dict.fromkeys((*maintained, *also)))
        self._maintained = frozenset(maintained)
        self._checked = checked
        self._pace = pace
        self._state: dict[str, _Table] = {}
        self._running: dict[str, Task] = {}
        self._known: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)
        self.timed: frozenset[str] = frozenset()
        """Tables whose last jobs are known, so that the timers count."""

    @property
    def owned(self) -> frozenset[str]:
        """The tables of this worker."""
        return frozenset(self._state)

    @property
    def running(self) -> Mapping[str, Task]:
        """What is being done, by table."""
        return self._running

    def own(self, tables: Collection[str]) -> None:
        """These tables are ours, and no others. What runs goes on; what was asked of the others
        is their owner's, and ours again if the group delivers it again."""
        for table in self._state.keys() - set(tables):
            for asked in self._state[table].asked:
                self._forget(asked.request)
        self._state = {each: self._state.get(each) or _Table() for each in tables}
        self.timed &= self.owned

    def forget_requests(self) -> None:
        """The group delivers requests that have not ended again."""
        for state in self._state.values():
            for asked in state.asked:
                if not self._is_running(asked.request):
                    self._forget(asked.request)
            state.asked = deque(a for a in state.asked if self._is_running(a.request))

    def committed(self, table: str, files: int) -> None:
        """A table has got so many data files."""
        if (state := self._state.get(table)) is not None:
            state.files += files

    def requested(self, request: Request) -> bool:
        """An operator asks; ``False`` when that is not ours, or known already."""
        if request.table not in self._state or request.identity in self._known:
            return False
        if self.holds(request):
            return False
        self._known.append(request.identity)
        self._state[request.table].asked.append(_Asked(request, deque(request.jobs)))
        return True

    def holds(self, request: Request) -> bool:
        """Whether a request is on the agenda, waiting or running."""
        state = self._state.get(request.table)
        return state is not None and any(
            each.request.identity == request.identity for each in state.asked
        )

    def ran(self, table: str, job: JobName, at: float) -> None:
        """A job of a table ended well then, whoever ran it."""
        if (state := self._state.get(table)) is not None:
            state.last[job] = max(at, state.last.get(job, at))

    def found(self, table: str, due: Mapping[JobName, str]) -> None:
        """A look found these jobs due, with the reasons."""
        if (state := self._state.get(table)) is not None:
            state.wanted = {job: due[job] for job in IN_ORDER if job in due}
            for job in IN_ORDER:
                if job not in due:  # what failed of it is over
                    state.failures.pop(job, None)
                    state.not_before.pop(job, None)

    def next(self, now: float) -> Task | None:
        """What to begin now; it counts as running until :meth:`ended` or :meth:`interrupted`."""
        for choose in (self._asked, self._wanted, self._look, self._timer):
            free = [(t, s) for t, s in self._state.items() if t not in self._running]
            if (task := choose(free, now)) is not None:
                self._running[task.table] = task
                if task.job is None:
                    self._state[task.table].files = 0
                return task
        return None

    def ended(
        self, task: Task, now: float, *, failed: bool = False, retriable: bool = True
    ) -> Verdict:
        """A task has ended, well or not; ``retriable``: the same may succeed later."""
        self._running.pop(task.table, None)
        state = self._state.get(task.table)
        if task.request is not None:
            return self._ended_request(task, state, now, failed=failed, retriable=retriable)
        if state is None:
            return Verdict(attempt=int(failed))
        if not failed:
            state.last[task.what] = now
            state.failures.pop(task.what, None)
            state.not_before.pop(task.what, None)
            if task.job is not None:
                state.wanted.pop(task.job, None)
            return Verdict()
        failures = state.failures[task.what] = state.failures.get(task.what, 0) + 1
        pause = self._pace.pause(failures)
        state.not_before[task.what] = now + pause
        return Verdict(failures, pause)

    def interrupted(self, task: Task) -> None:
        """A task was cut short: it has not ended, and is begun again by whoever has the table."""
        self._running.pop(task.table, None)

    def wake_in(self, now: float) -> float:
        """Seconds until something of a table may be due that has no job under way, if nothing
        happens before."""
        moments = [now + 60.0]
        for table, state in self._state.items():
            if table not in self._running:
                moments += [asked.not_before for asked in list(state.asked)[:1]]
                moments += [state.not_before.get(job, now) for job in state.wanted]
                for what, period in self._periods(table).items():
                    due = state.last.get(what, now) + period if what in state.last else now
                    moments.append(max(due, state.not_before.get(what, now)))
                if state.files >= self._pace.look_files and LOOK in state.last:
                    early = max(state.last[LOOK] + LEAST_LOOK_S, state.not_before.get(LOOK, now))
                    moments.append(early)
        return max(0.05, min(moments) - now)

    def conditions(self, now: float) -> dict[str, str]:
        """What is being done about each table, in words."""
        return {table: self._condition(table, now) for table in self._state}

    def _condition(self, table: str, now: float) -> str:
        state = self._state[table]
        if (running := self._running.get(table)) is not None:
            return "being looked at" if running.job is None else f"{running.job} runs"
        waiting = [*(job for asked in state.asked for job in asked.left), *state.wanted]
        failing = [
            f"{what} failed, again in {max(0.0, moment - now):.0f} s"
            for what, moment in state.not_before.items()
        ]
        return "; ".join([*(f"{job} waits" for job in waiting), *failing])

    def _periods(self, table: str) -> dict[str, float]:
        found: dict[str, float] = {}
        if table in self._maintained:
            found[LOOK] = self._pace.look_s
            if table in self.timed:
                found |= {"expire": self._pace.expire_s, "orphans": self._pace.orphans_s}
        if table == self._checked and table in self.timed:
            found["quality"] = self._pace.quality_s
        return found

    def _asked(self, free: list[tuple[str, _Table]], now: float) -> Task | None:
        waiting = [
            (state.asked[0], table)
            for table, state in free
            if state.asked and state.asked[0].not_before <= now
        ]
        if not waiting:
            return None
        asked, table = min(waiting, key=lambda each: each[0].request.issued_at)
        reason = asked.request.arguments.reason or "an operator asked for it"
        job = asked.left[0]
        return Task(table, job, "command", reason, asked.failures + 1, asked.request)

    def _wanted(self, free: list[tuple[str, _Table]], now: float) -> Task | None:
        for table, state in free:
            for job, reason in state.wanted.items():
                if state.not_before.get(job, now) <= now:
                    return Task(table, job, "policy", reason, state.failures.get(job, 0) + 1)
        return None

    def _look(self, free: list[tuple[str, _Table]], now: float) -> Task | None:
        due = [
            (state.files, table)
            for table, state in free
            if table in self._maintained
            and state.not_before.get(LOOK, now) <= now
            and (LOOK not in state.last or self._pace.look_due(now - state.last[LOOK], state.files))
        ]
        if not due:
            return None
        _, table = max(due)
        return Task(table, None)

    def _timer(self, free: list[tuple[str, _Table]], now: float) -> Task | None:
        for table, state in free:
            periods = self._periods(table)
            for job in TIMED:
                if job not in periods or state.not_before.get(job, now) > now:
                    continue
                if job not in state.last or now - state.last[job] >= periods[job]:
                    reason = f"every {periods[job]:g} s"
                    return Task(table, job, "timer", reason, state.failures.get(job, 0) + 1)
        return None

    def _ended_request(
        self, task: Task, state: _Table | None, now: float, *, failed: bool, retriable: bool
    ) -> Verdict:
        asked = self._of(state, task)
        if state is None or asked is None:  # its table went away meanwhile, and perhaps came back
            return Verdict(attempt=task.attempt if failed else 0)
        if not failed and task.job is not None:
            asked.left.popleft()
            asked.failures = 0
            state.last[task.job] = now
            state.failures.pop(task.job, None)
            state.not_before.pop(task.job, None)
            state.wanted.pop(task.job, None)
            if asked.left:
                return Verdict()
            state.asked.remove(asked)
            return Verdict(finished=asked.request)
        asked.failures += 1
        if retriable and asked.failures < self._pace.attempts:
            pause = self._pace.pause(asked.failures)
            asked.not_before = now + pause
            return Verdict(asked.failures, pause)
        state.asked.remove(asked)
        return Verdict(asked.failures, finished=asked.request)

    def _forget(self, request: Request) -> None:
        if request.identity in self._known:
            self._known.remove(request.identity)

    @staticmethod
    def _of(state: _Table | None, task: Task) -> _Asked | None:
        return next((a for a in state.asked if a.request is task.request), None) if state else None

    def _is_running(self, request: Request) -> bool:
        return any(task.request is request for task in self._running.values())
