"""Begins what the agenda says, as many jobs at a time as there are threads, and tells what became
of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import Protocol

import structlog

from services.maintainer.agenda import Agenda
from services.maintainer.outcomes import due, due_no_more, failed, is_news, succeeded
from services.maintainer.requests import Request
from services.maintainer.tasks import Task
from services.maintainer.work import Known, Work
from shared.contracts.event import Event
from shared.contracts.maintenance import JobName
from shared.lake.maintenance.job_result import JobResult
from shared.lake.maintenance.looking import Looked
from shared.runtime.blocking import BlockingThread
from shared.runtime.errors import BerglineError
from shared.runtime.told_errors import told

log = structlog.stdlib.get_logger("bergline.maintainer")

IDLE_S = 60.0
"""Longest pause of the loop; what changes wakes it."""
POLL_S = 1.0
"""Pause while nothing may be begun: not everything that ends that wakes the loop."""


class Observer(Protocol):
    """Told what happens."""

    def looked(self, table: str, found: Looked, due: Collection[JobName]) -> None:
        """A table was looked at, and these jobs are due."""

    def not_looked(self, table: str) -> None:
        """A table could not be looked at."""

    def measured(self, event: Event) -> None:
        """A job has ended."""

    def tell(self, event: Event) -> None:
        """A job has ended, and others may want to know."""

    def finished(self, request: Request) -> None:
        """A request has ended, well or not."""


class Dispatcher:
    """The loop of one worker.

    Args:
        agenda: says what is next.
        work: does it, in threads.
        jobs: at a time.
        known: what is known of a table now.
        may_begin: whether something new may be begun.
        observer: told what happens.
        worker: name of this worker in events.
    """

    def __init__(
        self,
        agenda: Agenda,
        work: Work,
        jobs: int,
        known: Callable[[str], Known],
        may_begin: Callable[[], bool],
        observer: Observer,
        worker: str,
    ) -> None:
        self._agenda = agenda
        self._work = work
        self._known = known
        self._may_begin = may_begin
        self._observer = observer
        self._worker = worker
        self._free = [BlockingThread(f"job-{number}") for number in range(jobs)]
        self._stops: dict[str, threading.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._stopping = False
        self._died: BaseException | None = None
        self._dying: Callable[[], None] = lambda: None

    def start(self, dying: Callable[[], None]) -> None:
        """Begin. ``dying`` is called when the loop dies of a fault: then nothing is maintained
        any more, and the process is to end with :meth:`require_alive`."""
        self._dying = dying
        self._loop = asyncio.create_task(self._run(), name="maintain")
        self._loop.add_done_callback(self._ended)

    def require_alive(self) -> None:
        """After the end: whether that was one.

        Raises:
            RuntimeError: the loop died.
        """
        if self._died is not None:
            raise RuntimeError("the loop of maintenance died") from self._died

    def wake(self) -> None:
        """Look at the agenda now."""
        self._wake.set()

    def keep(self, tables: Collection[str]) -> None:
        """Jobs of all other tables end early: they are somebody else's."""
        for table in self._stops.keys() - set(tables):
            self._stops[table].set()

    async def stop(self, seconds: float) -> None:
        """Begin nothing more; jobs end early. Returns when they have ended, or after so long:
        then they end with the process, as after a kill."""
        self._stopping = True
        for stop in self._stops.values():
            stop.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in (*self._tasks, *([self._loop] if self._loop is not None else [])):
            task.cancel()
        if self._loop is not None:
            await asyncio.wait({self._loop, *self._tasks})

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            self._begin()
            # Not wait_for: before Python 3.12 it may swallow the cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()

    def _pause(self) -> float:
        if not self._free or self._stopping:
            return IDLE_S  # a job that ends wakes the loop
        if not self._may_begin():
            return POLL_S
        return self._agenda.wake_in(time.monotonic())

    def _begin(self) -> None:
        while self._free and self._may_begin() and not self._stopping:
            task = self._agenda.next(time.monotonic())
            if task is None:
                return
            running = asyncio.create_task(self._do(task, self._free.pop()))
            self._tasks.add(running)
            running.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None or self._died is not None:
            return
        self._died = error
        log.error("the loop of maintenance died", exc_info=error)
        self._dying()

    async def _do(self, task: Task, thread: BlockingThread) -> None:
        stop = self._stops[task.table] = threading.Event()
        began = time.monotonic()
        try:
            known = self._known(task.table)
            if task.job is None:
                looked = await thread.run(lambda: self._work.look(task.table, known))
            else:
                result = await thread.run(lambda: self._work.run(task, known, stop.is_set))
        except Exception as error:  # noqa: BLE001 - whatever a table does, others go on
            self._failed(task, error, time.monotonic() - began)
        else:
            seconds = time.monotonic() - began
            if task.job is None:
                self._looked(task, looked)
            elif result.interrupted:
                self._interrupted(task, result, seconds)
            else:
                self._succeeded(task, result, seconds)
        finally:
            self._stops.pop(task.table, None)
            self._free.append(thread)
            self._wake.set()

    def _looked(self, task: Task, looked: Looked) -> None:
        wanted = due(looked)
        self._agenda.ended(task, time.monotonic())
        over = self._agenda.found(task.table, wanted)
        self._observer.looked(task.table, looked, wanted)
        for job, attempt in over.items():
            self._observer.tell(due_no_more(task.table, job, attempt, self._worker))

    def _interrupted(self, task: Task, result: JobResult, seconds: float) -> None:
        """Cut short: no outcome is told, and what was asked stays asked, of the next owner."""
        self._agenda.interrupted(task)
        log.info(
            "maintenance interrupted, the table's next owner goes on",
            table=task.table,
            job=task.what,
            files_replaced=result.files_replaced,
            files_written=result.files_written,
            seconds=round(seconds, 3),
        )

    def _succeeded(self, task: Task, result: JobResult, seconds: float) -> None:
        verdict = self._agenda.ended(task, time.monotonic())
        event = succeeded(task, result, self._worker, seconds)
        log.log(
            logging.INFO if is_news(event) else logging.DEBUG,
            "table maintained",
            **{
                name: getattr(event, name) for name in ("table", "job", "status", "reason", "cause")
            },
            seconds=round(seconds, 3),
        )
        self._observer.measured(event)
        if is_news(event):
            self._observer.tell(event)
        if verdict.finished is not None:
            self._observer.finished(verdict.finished)

    def _failed(self, task: Task, error: Exception, seconds: float) -> None:
        retriable = isinstance(error, BerglineError) and error.retriable
        verdict = self._agenda.ended(task, time.monotonic(), failed=True, retriable=retriable)
        kind, text = told(error)
        log.warning(
            "table not maintained",
            table=task.table,
            job=task.what,
            error=f"{kind}: {text}",
            attempt=verdict.attempt,
            again_in_s=verdict.again_in_s,
        )
        if task.job is None:
            self._observer.not_looked(task.table)
            return
        event = failed(task, error, verdict, self._worker, seconds)
        self._observer.measured(event)
        self._observer.tell(event)
        if verdict.finished is not None:
            self._observer.finished(verdict.finished)
