"""Jobs run in threads, a few at a time; what became of each is told, and a failure is a failure."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.maintainer.agenda import Agenda
from services.maintainer.dispatcher import Dispatcher
from services.maintainer.pace import Pace
from services.maintainer.requests import Request
from services.maintainer.tasks import Task
from services.maintainer.work import Known
from shared.contracts.commands import MaintenanceArguments
from shared.contracts.entity_quality import EntityQuality
from shared.contracts.event import Event
from shared.contracts.maintenance import (
    Figures,
    JobName,
    MaintenanceFailed,
    MaintenanceSucceeded,
)
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.counted_deletion import Undeleted
from shared.lake.maintenance.job_result import JobResult
from shared.lake.maintenance.looking import Looked
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
        self.result = JobResult(
            Status.SUCCESS,
            before=Figures(data_files=9),
            after=Figures(data_files=1),
            rows_moved=7,
        )
        self.proposals: dict[str, tuple[Proposal, ...]] = {}
        self._lock = threading.Lock()

    def look(self, table: str, known: Known) -> Looked:
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
                    return replace(self.result, interrupted=True)
            if task.table in self.broken:
                raise CheckFailed(f"{task.table} names a file that is not in the store")
            return self.result
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
        self.measures: list[Event] = []
        self.dying = asyncio.Event()
        self.over: list[str] = []
        self.changed = asyncio.Event()
        self.dispatcher = Dispatcher(
            self.agenda, self.lake, jobs, lambda _: Known(), lambda: True, self, "maintainer/1"
        )

    def looked(self, table: str, found: Looked, due: Collection[JobName]) -> None:
        self.changed.set()

    def not_looked(self, table: str) -> None:
        self.changed.set()

    def measured(self, event: Event) -> None:
        self.measures.append(event)
        self.changed.set()

    def tell(self, event: Event) -> None:
        self.events.append(event)
        self.changed.set()

    def finished(self, request: Request) -> None:
        self.over.append(request.table)

    def ask(self, table: str) -> None:
        self.agenda.requested(
            Request(table, ("compact",), "command", MaintenanceArguments(), datetime.now(UTC))
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
        made.dispatcher.start(made.dying.set)
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
        assert not world.events, "cut short is no outcome: who waits goes on waiting"
        assert not world.over, "the next owner of the table does it"

    play(World, story)


def test_a_table_that_went_to_another_worker_is_left_early() -> None:
    async def story(world: World) -> None:
        world.lake.hold = {A}
        world.ask(A)
        await world.begun()
        world.agenda.own([B])
        world.dispatcher.keep([B])
        world.ask(B)
        await world.until(lambda: bool(world.events))
        assert world.lake.stopped == [A]
        assert [event.key() for event in world.events] == [B]
        assert world.over == [B]

    play(World, story)


def test_a_job_that_was_whole_before_the_stop_is_told() -> None:
    async def story(world: World) -> None:
        world.ask(A)
        await world.begun()
        await world.dispatcher.stop(WITHIN_S)
        assert [event.key() for event in world.events] == [A]
        assert world.over == [A]

    play(World, story)


def test_while_all_threads_are_busy_the_loop_sleeps() -> None:
    asked_while_busy: list[bool] = []

    def made() -> World:
        world = World()
        wake_in = world.agenda.wake_in

        def recorded(now: float) -> float:
            asked_while_busy.append(bool(world.agenda.running))
            return wake_in(now)

        world.agenda.wake_in = recorded  # type: ignore[method-assign]
        world.lake.hold = {A}
        return world

    async def story(world: World) -> None:
        world.ask(A)
        world.ask(B)
        await world.begun()
        world.dispatcher.wake()
        world.lake.held.set()
        await world.until(lambda: len(world.events) == 2)
        assert not any(asked_while_busy)

    play(made, story)


def test_the_death_of_the_loop_is_the_end_of_the_process() -> None:
    async def run() -> None:
        world = World()

        def broken(_: float) -> None:
            raise IndexError

        world.agenda.next = broken  # type: ignore[assignment,method-assign]
        world.dispatcher.start(world.dying.set)
        async with asyncio.timeout(WITHIN_S):
            await world.dying.wait()
        await world.dispatcher.stop(WITHIN_S)
        with pytest.raises(RuntimeError, match="died") as raised:
            world.dispatcher.require_alive()
        assert isinstance(raised.value.__cause__, IndexError)

    asyncio.run(run())


def test_a_fault_of_ours_in_a_job_is_the_end_of_the_process_too() -> None:
    async def run() -> None:
        world = World()

        def broken(*_: object, **__: object) -> None:
            raise IndexError

        world.agenda.ended = broken  # type: ignore[assignment,method-assign]
        world.dispatcher.start(world.dying.set)
        async with asyncio.timeout(WITHIN_S):
            await world.dying.wait()
        await world.dispatcher.stop(WITHIN_S)
        with pytest.raises(RuntimeError, match="died"):
            world.dispatcher.require_alive()

    asyncio.run(run())


def test_an_end_that_was_asked_for_is_no_death() -> None:
    async def story(world: World) -> None:
        await world.dispatcher.stop(WITHIN_S)
        world.dispatcher.require_alive()
        assert not world.dying.is_set()

    play(World, story)


def test_what_is_found_due_and_has_nothing_to_do_is_measured_and_not_told() -> None:
    def made() -> World:
        world = World()
        world.lake.result = JobResult(Status.SKIPPED, "others have changed its rows")
        world.lake.proposals[A] = (Proposal(Job.RESTAMP, due=True, reason="a head of others"),)
        return world

    async def story(world: World) -> None:
        await world.until(lambda: bool(world.measures))
        assert not world.events
        world.ask(A)
        await world.until(lambda: bool(world.events))
        [event] = world.events
        assert isinstance(event, MaintenanceSucceeded)
        assert (event.status, event.cause) == ("skipped", "command"), "an operator is answered"

    play(made, story)


def test_what_a_check_of_quality_found_is_told_and_nothing_to_check_is_said() -> None:
    async def story(world: World) -> None:
        found = EntityQuality(
            timestamp=datetime.now(UTC),
            status="warning",
            total_entity_mappings=9,
            total_unified_ids=8,
            total_cross_source_matches=0,
        )
        world.lake.result = JobResult(Status.SUCCESS, "warning", quality=found)
        world.ask(A)
        await world.until(lambda: bool(world.events))
        world.lake.result = JobResult(Status.SKIPPED, "there is no index")
        world.ask(B)
        await world.until(lambda: len(world.events) == 2)
        told, nothing = world.events
        assert isinstance(told, MaintenanceSucceeded)
        assert (told.status, told.reason, told.quality) == ("succeeded", "warning", found)
        assert isinstance(nothing, MaintenanceSucceeded)
        assert (nothing.status, nothing.reason) == ("skipped", "there is no index")
        assert nothing.quality is None

    play(World, story)


def test_files_that_could_not_be_deleted_are_counted_in_the_outcome() -> None:
    async def story(world: World) -> None:
        world.lake.result = JobResult(Status.SUCCESS, files_deleted=2, errors=3)
        world.ask(A)
        await world.until(lambda: bool(world.events))

        def run(*_: object) -> JobResult:
            raise Undeleted(B, 5)

        world.lake.run = run  # type: ignore[assignment,method-assign]
        world.ask(B)
        await world.until(lambda: len(world.events) == 2)
        partly, failed = world.events
        assert isinstance(partly, MaintenanceSucceeded)
        assert (partly.files_deleted, partly.errors) == (2, 3)
        assert isinstance(failed, MaintenanceFailed)
        assert (failed.errors, failed.will_retry) == (5, False)

    play(World, story)


def test_a_failure_of_what_is_not_due_any_more_is_told_to_be_over() -> None:
    """Else whoever heard of the failure would hold it for one for ever."""

    def made() -> World:
        world = World()
        world.agenda.failed_before(A, "restamp", 2)
        return world

    async def story(world: World) -> None:
        await world.until(lambda: bool(world.events))
        [event] = world.events
        assert isinstance(event, MaintenanceSucceeded)
        assert (event.table, event.job, event.status) == (A, "restamp", "skipped")
        assert (event.cause, event.attempt) == ("policy", 3)
        assert not world.measures, "no job ran"

    play(made, story)
