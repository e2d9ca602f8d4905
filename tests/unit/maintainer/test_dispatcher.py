"""Jobs run in threads, a few at a time; what became of each is told, and a failure is a failure."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from services.maintainer.agenda import Agenda, Task
from services.maintainer.dispatcher import Dispatcher
from services.maintainer.pace import Pace
from services.maintainer.work import Known
from shared.contracts.event import Event
from shared.contracts.maintenance import (
    Figures,
    MaintenanceFailed,
    MaintenanceRequested,
    MaintenanceSucceeded,
)
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.jobs import JobResult, Looked
from shared.lake.maintenance.policy import Job, Proposal
from shared.runtime.errors import CheckFailed

A, B = "raw.a", "raw.b"
WITHIN_S = 20.0


class Lake:
    """Tables that are fine but those that are told to be broken."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.held = threading.Event()
        self.begun = threading.Semaphore(0)
        self.hold: set[str] = set()
        self.at_once = 0
        self.most_at_once = 0
        self.stopped: list[str] = []
        self.proposals: dict[str, tuple[Proposal, ...]] = {}
        self._lock = threading.Lock()

    def look(self, table: str) -> Looked:
        found = self.proposals.pop(table, ())
        return cast("Looked", SimpleNamespace(proposals=found, unreferenced=False))

    def run(self, task: Task, known: Known, stop: Callable[[], bool]) -> JobResult:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.begun.release()
        try:
            while task.table in self.hold and not self.held.wait(0.01):
                if stop():
                    self.stopped.append(task.table)
                    break
            if task.table in self.broken:
                raise CheckFailed(f"{task.table} names a file that is not in the store")
            before, after = Figures(data_files=9), Figures(data_files=1)
            return JobResult(Status.SUCCESS, before=before, after=after, rows_moved=7)
        finally:
            with self._lock:
                self.at_once -= 1


class World:
    """A dispatcher with every table owned, and what it told."""

    def __init__(self, jobs: int = 1, *tables: str) -> None:
        self.lake = Lake()
        self.agenda = Agenda(tables or (A, B), Pace(first_s=3600, longest_s=3600))
        self.agenda.own(self.agenda.tables)
        self.events: list[Event] = []
        self.over: list[str] = []
        self.changed = asyncio.Event()
        self.dispatcher = Dispatcher(
            self.agenda, self.lake, jobs, lambda _: Known(), lambda: True, self, "maintainer/1"
        )

    def looked(self, table: str, found: Looked) -> None:
        self.changed.set()

    def not_looked(self, table: str) -> None:
        self.changed.set()

    def tell(self, event: Event) -> None:
        self.events.append(event)
        self.changed.set()

    def finished(self, request: MaintenanceRequested) -> None:
        self.over.append(request.table)

    def ask(self, table: str) -> None:
        self.agenda.requested(
            MaintenanceRequested(
                request_id=f"of {table}",
                table=table,
                jobs=("compact",),
                command_id="command",
                actor="ada@example.com",
                requested_at=datetime.now(UTC),
            )
        )
        self.dispatcher.wake()

    async def begun(self) -> None:
        """Wait until another job has begun."""
        assert await asyncio.to_thread(self.lake.begun.acquire, timeout=WITHIN_S)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


def play(world: Callable[[], World], story: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        made = world()
        made.dispatcher.start()
        try:
            await story(made)
        finally:
            made.lake.held.set()
            await made.dispatcher.stop(WITHIN_S)

    asyncio.run(run())


def test_a_command_is_carried_out_and_told_with_its_figures() -> None:
    async def story(world: World) -> None:
        world.ask(A)
        await world.until(lambda: bool(world.events))
        [event] = world.events
        assert isinstance(event, MaintenanceSucceeded)
        assert (event.table, event.job, event.status) == (A, "compact", "succeeded")
        assert (event.cause, event.command_id) == ("command", "command")
        assert (event.before.data_files, event.after.data_files, event.rows_moved) == (9, 1, 7)
        assert world.over == [A]

    play(World, story)


def test_what_a_look_finds_due_is_done_with_its_reason() -> None:
    def made() -> World:
        world = World()
        due = [Proposal(Job.COMPACT, due=True, reason=f"{n} small files") for n in (80, 60)]
        late = Proposal(Job.MANIFESTS, due=False, reason="3 manifests")
        world.lake.proposals[A] = (*due, late)
        return world

    async def story(world: World) -> None:
        await world.until(lambda: bool(world.events))
        [event] = world.events
        assert isinstance(event, MaintenanceSucceeded)
        assert (event.table, event.job, event.cause) == (A, "compact", "policy")
        assert event.reason == "80 small files, and 1 more such"

    play(made, story)


def test_a_table_that_fails_is_told_and_others_go_on() -> None:
    async def story(world: World) -> None:
        world.lake.broken = {A}
        world.ask(A)
        world.ask(B)
        await world.until(lambda: len(world.events) == 2)
        failed, succeeded = world.events
        assert isinstance(failed, MaintenanceFailed)
        assert (failed.table, failed.error_type, failed.will_retry) == (A, "CheckFailed", False)
        assert failed.error == f"{A} names a file that is not in the store"
        assert isinstance(succeeded, MaintenanceSucceeded)
        assert world.over == [A, B], "a request that failed for good has ended, too"

    play(World, story)


def test_texts_of_libraries_stay_out_of_the_event() -> None:
    async def story(world: World) -> None:
        def run(*_: object) -> JobResult:
            raise ValueError("bad value 'ada@example.com'")

        world.lake.run = run  # type: ignore[assignment,method-assign]
        world.ask(A)
        await world.until(lambda: bool(world.events))
        [event] = world.events
        assert isinstance(event, MaintenanceFailed)
        assert event.error_type == "ValueError"
        assert "ada@example.com" not in event.error

    play(World, story)


def test_as_many_jobs_run_at_a_time_as_asked_and_no_more() -> None:
    tables = [f"raw.t{number}" for number in range(5)]

    async def story(world: World) -> None:
        world.lake.hold = set(tables)
        for table in tables:
            world.ask(table)
        await world.begun()
        await world.begun()
        world.lake.held.set()
        await world.until(lambda: len(world.events) == len(tables))
        assert world.lake.most_at_once == 2

    play(lambda: World(2, *tables), story)


def test_a_stop_lets_jobs_end_early_and_begins_no_more() -> None:
    async def story(world: World) -> None:
        world.lake.hold = {A, B}
        world.ask(A)
        world.ask(B)
        await world.begun()
        await world.dispatcher.stop(WITHIN_S)
        assert world.lake.stopped == [A]
        assert [event.key() for event in world.events] == [A], "what it had done is told"

    play(World, story)


def test_a_table_that_went_to_another_worker_is_left_early() -> None:
    async def story(world: World) -> None:
        world.lake.hold = {A}
        world.ask(A)
        await world.begun()
        world.agenda.own([B])
        world.dispatcher.keep([B])
        await world.until(lambda: bool(world.events))
        assert world.lake.stopped == [A]

    play(World, story)
