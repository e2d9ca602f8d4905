"""From wishes to builds, and what is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

import pytest

from services.transformer.dispatching.dispatcher import Dispatcher
from services.transformer.planning.planner import Planner
from services.transformer.planning.wishes import Patience, Start, Wish
from services.transformer.request import BuildReport, Stage
from services.transformer.workers.pool import BuildError, WorkerDied
from shared.contracts.builds import BuildFailed, BuildStarted, BuildSucceeded
from shared.contracts.event import Event
from tests.support.build_pool import ScriptedPool
from tests.unit.transformer.planning.test_planner import TABLES

QUICK = Patience(first_s=0.01)
TODAY = date(2026, 11, 26)
DONE = BuildReport("incremental", "x.raw moved on", rows_added=3, snapshot_id=7, sequence_number=2)


class Told:
    """The observer, keeping all it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ends: list[tuple[str, bool]] = []

    def tell(self, event: Event) -> None:
        self.events.append(event)

    def of(self, target: str) -> list[Event]:
        """Told of one table: others begin when it has committed."""
        return [event for event in self.events if event.key() == target]

    def ended(self, start: Start, report: BuildReport | None) -> None:
        self.ends.append((start.target, report is not None))

    def history(self, target: str) -> tuple[int | None, tuple[int, ...]]:
        return 5, (11, 12)


class Bench:
    """A dispatcher with everything around it."""

    def __init__(self, patience: Patience) -> None:
        self.planner = Planner(TABLES, 2, patience)
        self.planner.own(self.planner.targets)
        self.pool, self.told = ScriptedPool(), Told()
        self.dispatcher = Dispatcher(self.planner, self.pool, self.told, lambda: TODAY, "worker")
        self.dying = asyncio.Event()
        self.pool.start(self.dispatcher.wake)

    def want(self, target: str, wave: str = "x.raw/1") -> None:
        self.planner.want(target, Wish("commit", "x.raw was committed to", wave, 0.0))
        self.dispatcher.wake()


@asynccontextmanager
async def running(patience: Patience = QUICK) -> AsyncIterator[Bench]:
    bench = Bench(patience)
    bench.dispatcher.start(bench.dying.set)
    bench.pool.make_ready()
    try:
        yield bench
    finally:
        await bench.dispatcher.stop(0.0)


@pytest.mark.asyncio
async def test_a_build_is_told_at_its_start_and_at_its_end() -> None:
    async with running() as bench:
        bench.want("x.staging")
        request = await bench.pool.end("x.staging", DONE)
        assert (request.stage, request.as_of) == (Stage.LIVE, TODAY)
        assert (request.announced, request.pinned) == (5, (11, 12))
        started, succeeded = bench.told.of("x.staging")
        assert isinstance(started, BuildStarted)
        assert isinstance(succeeded, BuildSucceeded)
        assert started.build_id == succeeded.build_id == request.build_id
        assert started.wave == succeeded.wave == "x.raw/1"
        assert (succeeded.mode, succeeded.rows_added, succeeded.snapshot_id) == (
            "incremental",
            3,
            7,
        )
        assert bench.told.ends == [("x.staging", True)]


@pytest.mark.asyncio
async def test_what_reads_a_table_is_built_as_soon_as_it_has_committed() -> None:
    async with running() as bench:
        bench.want("x.staging", wave="x.raw/3")
        await bench.pool.end("x.staging", DONE)
        await bench.pool.next("x.orders")
        (begun,) = bench.told.of("x.orders")
        assert isinstance(begun, BuildStarted)
        assert (begun.wave, begun.reason) == ("x.raw/3", "x.staging was committed to")


@pytest.mark.asyncio
async def test_nothing_is_begun_before_there_are_workers() -> None:
    bench = Bench(Patience())
    bench.dispatcher.start(bench.dying.set)
    bench.want("x.staging")
    assert bench.told.events == []
    bench.pool.make_ready()
    await bench.pool.next("x.staging")
    assert len(bench.told.events) == 1
    await bench.dispatcher.stop(0.0)


@pytest.mark.asyncio
async def test_a_failure_is_told_and_tried_again() -> None:
    async with running() as bench:
        bench.want("x.staging")
        await bench.pool.end("x.staging", WorkerDied("its process ended"))
        await bench.pool.end("x.staging", DONE)
        first, failed, second, succeeded = bench.told.of("x.staging")
        assert isinstance(failed, BuildFailed)
        assert (failed.error_type, failed.attempt, failed.will_retry) == ("WorkerDied", 1, True)
        assert failed.next_attempt_at is not None
        assert isinstance(first, BuildStarted)
        assert isinstance(second, BuildStarted)
        assert second.attempt == 2
        assert second.build_id != first.build_id
        assert isinstance(succeeded, BuildSucceeded)
        assert bench.told.ends == [("x.staging", False), ("x.staging", True)]


@pytest.mark.asyncio
async def test_in_the_end_it_is_given_up_and_said_so() -> None:
    async with running(Patience(attempts=2, first_s=0.01, pause_s=600)) as bench:
        bench.want("x.staging")
        for _ in range(2):
            await bench.pool.end("x.staging", BuildError("CheckFailed", "two rows of a key"))
        failures = [event for event in bench.told.events if isinstance(event, BuildFailed)]
        assert [failure.will_retry for failure in failures] == [True, False]
        last = failures[-1]
        assert last.next_attempt_at is not None
        assert (last.next_attempt_at - last.failed_at).total_seconds() == 600


@pytest.mark.asyncio
async def test_what_fails_as_nothing_answers_is_tried_until_it_does() -> None:
    async with running(Patience(attempts=2, first_s=0.01, away_s=0.02, pause_s=600)) as bench:
        bench.want("x.staging")
        for _ in range(4):
            await bench.pool.end("x.staging", BuildError("Unavailable", "no catalog"))
        failures = [event for event in bench.told.events if isinstance(event, BuildFailed)]
        assert [failure.will_retry for failure in failures] == [True] * 4


@pytest.mark.asyncio
async def test_a_rebuild_and_its_publishing_are_one_build() -> None:
    async with running() as bench:
        wish = Wish("refresh", "asked for", "refresh/1", 0.0)
        bench.planner.want_rebuild("x.orders", wish)
        bench.dispatcher.wake()
        report = BuildReport("full", "asked for", rows_read=10, rows_added=4)
        first = await bench.pool.end("x.orders", report)
        assert (first.stage, first.reason) == (Stage.REBUILD, "asked for")
        second = await bench.pool.end("x.orders", BuildReport("full", rows_read=1, snapshot_id=9))
        assert (second.stage, second.build_id) == (Stage.PUBLISH, first.build_id)
        started, succeeded = bench.told.of("x.orders")
        assert isinstance(started, BuildStarted)
        assert started.full
        assert isinstance(succeeded, BuildSucceeded)
        assert (succeeded.rows_read, succeeded.rows_added, succeeded.snapshot_id) == (11, 4, 9)
        assert bench.told.ends == [("x.orders", True)]


@pytest.mark.asyncio
async def test_a_table_that_must_be_rebuilt_is() -> None:
    async with running() as bench:
        bench.want("x.orders")
        await bench.pool.end("x.orders", BuildReport("nothing", rebuild="code changed"))
        request = await bench.pool.next("x.orders")
        assert (request.stage, request.reason) == (Stage.REBUILD, "code changed")
        succeeded = bench.told.events[1]
        assert isinstance(succeeded, BuildSucceeded)
        assert (succeeded.mode, succeeded.reason) == ("nothing", "to be rebuilt: code changed")


@pytest.mark.asyncio
async def test_stopping_waits_for_builds_under_way_and_begins_no_other() -> None:
    bench = Bench(Patience())
    bench.dispatcher.start(bench.dying.set)
    bench.pool.make_ready()
    bench.want("x.staging")
    await bench.pool.next("x.staging")
    bench.pool.running["x.staging"][1].set_result(DONE)
    bench.want("x.staging", wave="x.raw/2")
    await bench.dispatcher.stop(5.0)
    assert bench.told.ends == [("x.staging", True)]
    assert bench.pool.running == {}


@pytest.mark.parametrize("broken", ["starts", "succeeded"], ids=["the loop", "after a build"])
@pytest.mark.asyncio
async def test_a_fault_of_ours_is_the_end_of_the_process(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as bench:

        def fault(*_: object) -> None:
            raise IndexError

        monkeypatch.setattr(bench.planner, broken, fault)
        bench.want("x.staging")
        if broken == "succeeded":
            await bench.pool.next("x.staging")
            bench.pool.running["x.staging"][1].set_result(DONE)
        async with asyncio.timeout(20.0):
            await bench.dying.wait()
    with pytest.raises(RuntimeError, match="died") as raised:
        bench.dispatcher.require_alive()
    assert isinstance(raised.value.__cause__, IndexError)


@pytest.mark.asyncio
async def test_an_end_that_was_asked_for_is_no_death() -> None:
    async with running() as bench:
        bench.want("x.staging")
        await bench.pool.next("x.staging")
    bench.dispatcher.require_alive()
    assert not bench.dying.is_set()
