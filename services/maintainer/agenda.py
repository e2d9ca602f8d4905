"""What is done next, to which table, and why: commands, what a look found due, looks, timers.

Pure: it is told what happens and what time it is (monotonic seconds). One job of a table at a time.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping

from services.maintainer.pace import Pace
from services.maintainer.requests import Request
from services.maintainer.table_agenda import Asked, TableAgenda
from services.maintainer.tasks import LOOK, TIMED, Task, Verdict
from shared.contracts.maintenance import JobName

REMEMBERED = 1000
"""Requests that are known again when the group delivers them once more."""
TURNS = 20
"""After so many other tasks a timer that is due goes first."""

Choose = Callable[[list[tuple[str, TableAgenda]], float], Task | None]
"""Chooses among tables that have no job under way."""


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
        self._state: dict[str, TableAgenda] = {}
        self._running: dict[str, Task] = {}
        self._known: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)
        self._turns = 0
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
        self._state = {each: self._state.get(each) or TableAgenda() for each in tables}
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
        self._state[request.table].asked.append(Asked(request, deque(request.jobs)))
        return True

    def holds(self, request: Request) -> bool:
        """Whether a request is on the agenda, waiting or running."""
        state = self._state.get(request.table)
        return state is not None and state.holds(request)

    def ran(self, table: str, job: JobName, at: float) -> None:
        """A job of a table ended well then, whoever ran it."""
        if (state := self._state.get(table)) is not None:
            state.last[job] = max(at, state.last.get(job, at))

    def failed_before(self, table: str, job: JobName, times: int) -> None:
        """A job of a table failed when it ran last, so many times in a row, whoever ran it."""
        if (state := self._state.get(table)) is not None:
            state.failures.setdefault(job, times)

    def found(self, table: str, due: Mapping[JobName, str]) -> dict[JobName, int]:
        """A look found these jobs due, with the reasons; jobs of which a failure is over by that,
        with the number that their next attempt would have had."""
        state = self._state.get(table)
        return {} if state is None else state.found(due)

    def next(self, now: float) -> Task | None:
        """What to begin now; it counts as running until :meth:`ended` or :meth:`interrupted`."""
        for choose in self._order():
            free = [(t, s) for t, s in self._state.items() if t not in self._running]
            if (task := choose(free, now)) is not None:
                self._running[task.table] = task
                self._turns = 0 if task.cause == "timer" else self._turns + 1
                if task.job is None:
                    self._state[task.table].files = 0
                return task
        return None

    def _order(self) -> tuple[Choose, ...]:
        """Timers are last, but for their turn: where looks always find something due, histories
        and the store would grow without end."""
        if self._turns < TURNS:
            return self._asked, self._wanted, self._look, self._timer
        return self._asked, self._timer, self._wanted, self._look

    def ended(
        self, task: Task, now: float, *, failed: bool = False, retriable: bool = True
    ) -> Verdict:
        """A task has ended, well or not; ``retriable``: the same may succeed later."""
        self._running.pop(task.table, None)
        state = self._state.get(task.table)
        if state is None:  # its table went away meanwhile
            missed = task.attempt if task.request is not None else 1
            return Verdict(attempt=missed if failed else 0)
        if task.request is not None:
            return state.ended_asked(task, now, self._pace, failed=failed, retriable=retriable)
        if failed:
            return state.failed(task.what, now, self._pace)
        state.succeeded(task, now)
        return Verdict()

    def interrupted(self, task: Task) -> None:
        """A task was cut short: it has not ended, and is begun again by whoever has the table."""
        self._running.pop(task.table, None)

    def wake_in(self, now: float) -> float:
        """Seconds until something of a table may be due that has no job under way, if nothing
        happens before."""
        moments = [now + 60.0]
        for table, state in self._state.items():
            if table not in self._running:
                moments += state.moments(now, self._periods(table), self._pace)
        return max(0.05, min(moments) - now)

    def conditions(self, now: float) -> dict[str, str]:
        """What is being done about each table, in words."""
        return {table: self._condition(table, now) for table in self._state}

    def _condition(self, table: str, now: float) -> str:
        if (running := self._running.get(table)) is not None:
            return "being looked at" if running.job is None else f"{running.job} runs"
        return self._state[table].condition(now)

    def _periods(self, table: str) -> dict[str, float]:
        found: dict[str, float] = {}
        if table in self._maintained:
            found[LOOK] = self._pace.look_s
            if table in self.timed:
                found |= {"expire": self._pace.expire_s, "orphans": self._pace.orphans_s}
        if table == self._checked and table in self.timed:
            found["quality"] = self._pace.quality_s
        return found

    def _asked(self, free: list[tuple[str, TableAgenda]], now: float) -> Task | None:
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

    def _wanted(self, free: list[tuple[str, TableAgenda]], now: float) -> Task | None:
        for table, state in free:
            for job, reason in state.wanted.items():
                if state.may(job, now):
                    return Task(table, job, "policy", reason, state.attempt(job))
        return None

    def _look(self, free: list[tuple[str, TableAgenda]], now: float) -> Task | None:
        due = [
            (state.files, table)
            for table, state in free
            if table in self._maintained
            and state.may(LOOK, now)
            and state.look_due(now, self._pace)
        ]
        if not due:
            return None
        _, table = max(due)
        return Task(table, None)

    def _timer(self, free: list[tuple[str, TableAgenda]], now: float) -> Task | None:
        """What has been due for longest; first of all what never ran."""
        longest, chosen = -1.0, None
        for table, state in free:
            periods = self._periods(table)
            for job in TIMED:
                if job not in periods or not state.may(job, now):
                    continue
                due = now - state.last[job] - periods[job] if job in state.last else math.inf
                if due > longest and due >= 0:
                    reason = f"every {periods[job]:g} s"
                    chosen = Task(table, job, "timer", reason, state.attempt(job))
                    longest = due
        return chosen

    def _forget(self, request: Request) -> None:
        if request.identity in self._known:
            self._known.remove(request.identity)

    def _is_running(self, request: Request) -> bool:
        return any(task.request is request for task in self._running.values())
