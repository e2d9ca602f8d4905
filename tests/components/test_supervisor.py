"""The supervisor with real processes: order, restarts, deadlines, and an end that is complete."""

import asyncio
import itertools
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.embedded import backoff, control, state
from deploy.embedded.giving_up import HOPELESS
from deploy.embedded.layout import Layout
from deploy.embedded.processes import Child, alive
from deploy.embedded.state import PlatformState, ProcessState
from deploy.embedded.supervisor import Supervisor
from shared.runtime.errors import ConfigurationError, Unavailable

WITHIN_SECONDS = 60.0

# Writes its name to the journal when it starts and when it is told to end.
JOURNALLED = """
import pathlib, signal, sys
journal, name = pathlib.Path(sys.argv[1]), sys.argv[2]
def note(what):
    with journal.open("a") as file:
        file.write(f"{what} {name}\\n")
def end(*_):
    note("end")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
note("start")
signal.pause()
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    where = Layout(tmp_path / "data")
    where.prepare()
    return where


def child(
    layout: Layout, name: str, code: str, *arguments: str, after: tuple[str, ...] = ()
) -> Child:
    return Child(
        name=name,
        arguments=(sys.executable, "-c", code, *arguments),
        environment=dict(os.environ),
        log=layout.log(name),
        directory=layout.root,
        ready=None,
        after=after,
    )


def journalled(layout: Layout, name: str, after: tuple[str, ...] = ()) -> Child:
    """Ready once it has noted its start."""
    journal = layout.root / "journal"

    async def ready() -> str | None:
        noted = journal.read_text() if journal.exists() else ""
        return None if f"start {name}\n" in noted else "not noted yet"

    return replace(child(layout, name, JOURNALLED, str(journal), name, after=after), ready=ready)


@asynccontextmanager
async def supervised(layout: Layout, *children: Child) -> AsyncIterator[Supervisor]:
    """A supervisor at work; ended, with all children, afterwards."""
    supervisor, stop = Supervisor(children, layout), asyncio.Event()
    running = asyncio.create_task(supervisor.run(stop))
    try:
        yield supervisor
    finally:
        stop.set()
        await running
    assert not state_of(layout).left_over()


def state_of(layout: Layout) -> PlatformState:
    found = state.read(layout.state_file)
    assert found is not None
    return found


def process_of(supervisor: Supervisor, name: str) -> ProcessState:
    return next(each for each in supervisor.state().processes if each.name == name)


async def never() -> str:
    """A probe that is never satisfied."""
    return "no partitions assigned"


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while not condition():  # noqa: ASYNC110 it becomes true in other processes
            await asyncio.sleep(0.01)


async def is_ready(supervisor: Supervisor) -> None:
    await eventually(lambda: supervisor.state().phase == "ready")


@pytest.mark.asyncio
async def test_starts_in_order_and_stops_in_reverse(layout: Layout) -> None:
    broker = journalled(layout, "broker")
    service = journalled(layout, "service", after=("broker",))
    async with supervised(layout, service, broker) as supervisor:
        await is_ready(supervisor)
    journal = (layout.root / "journal").read_text().splitlines()
    assert journal == ["start broker", "start service", "end service", "end broker"]


@pytest.mark.asyncio
async def test_a_task_runs_to_its_end_before_what_waits_for_it(layout: Layout) -> None:
    task = replace(child(layout, "once", "print('made')"), task=True)
    async with supervised(layout, task, journalled(layout, "service", ("once",))) as supervisor:
        await is_ready(supervisor)
        assert process_of(supervisor, "once").condition == "done"
    assert layout.log("once").read_text() == "made\n"


@pytest.mark.asyncio
async def test_what_dies_is_started_again_after_a_growing_wait(layout: Layout) -> None:
    async with supervised(layout, journalled(layout, "service")) as supervisor:
        await is_ready(supervisor)
        for restarts, wait in ((1, "0.5"), (2, "1")):
            old = process_of(supervisor, "service").pid
            os.kill(old, signal.SIGKILL)
            await eventually(lambda: process_of(supervisor, "service").condition == "restarting")
            reason = process_of(supervisor, "service").reason
            assert reason == f"ended by SIGKILL; starts again in {wait} s"
            await eventually(lambda: process_of(supervisor, "service").condition == "ready")
            now = process_of(supervisor, "service")
            assert now.restarts == restarts
            assert now.pid != old


@pytest.mark.asyncio
async def test_what_was_asked_to_end_is_started_again_at_once(layout: Layout) -> None:
    async with supervised(layout, journalled(layout, "service")) as supervisor:
        await is_ready(supervisor)
        os.kill(process_of(supervisor, "service").pid, signal.SIGTERM)
        await eventually(lambda: process_of(supervisor, "service").restarts == 1)
        await eventually(lambda: process_of(supervisor, "service").condition == "ready")


@pytest.mark.asyncio
async def test_what_hangs_is_killed_when_it_is_to_be_restarted(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "DRAIN_SECONDS", 0.2)
    async with supervised(layout, journalled(layout, "service")) as supervisor:
        await is_ready(supervisor)
        old = process_of(supervisor, "service")
        os.kill(old.pid, signal.SIGSTOP)
        new = await asyncio.to_thread(control.restart, layout, "service")
        assert (new.condition, new.pid != old.pid) == ("ready", True)
        assert not alive(old.pid, old.created)


@pytest.mark.asyncio
async def test_what_is_held_stays_stopped_until_it_is_released(layout: Layout) -> None:
    async with supervised(layout, journalled(layout, "service")) as supervisor:
        await is_ready(supervisor)
        old = process_of(supervisor, "service").pid
        held = await asyncio.to_thread(control.hold, layout, "service", signal.SIGKILL)
        assert (held.condition, held.reason) == ("stopped", "held")
        assert not alive(old, held.created)
        new = await asyncio.to_thread(control.release, layout, "service")
        assert (new.condition, new.restarts) == ("ready", 1)
        assert new.pid != old


@pytest.mark.asyncio
async def test_what_waits_for_its_next_start_can_be_held_as_well(layout: Layout) -> None:
    async with supervised(layout, journalled(layout, "service")) as supervisor:
        await is_ready(supervisor)
        os.kill(process_of(supervisor, "service").pid, signal.SIGKILL)
        await eventually(lambda: process_of(supervisor, "service").condition == "restarting")
        await asyncio.to_thread(control.hold, layout, "service")
        assert process_of(supervisor, "service").restarts == 1
        await asyncio.to_thread(control.release, layout, "service")


@pytest.mark.asyncio
async def test_what_is_beyond_repair_is_ended_and_started_again(layout: Layout) -> None:
    """Each process is watched anew: what was wrong with one says nothing about the next."""
    watched = itertools.count(1)

    def watch() -> Callable[[], str | None]:
        broken = next(watched) == 1
        return lambda: "its journal is stuck" if broken and is_up.is_set() else None

    is_up = asyncio.Event()
    async with supervised(layout, replace(journalled(layout, "storage"), watch=watch)) as running:
        await is_ready(running)
        old = process_of(running, "storage").pid
        is_up.set()
        await eventually(lambda: process_of(running, "storage").restarts == 1)
        await eventually(lambda: process_of(running, "storage").condition == "ready")
        assert process_of(running, "storage").pid != old
    journal = (layout.root / "journal").read_text().splitlines()
    assert journal[:2] == ["start storage", "end storage"], "it was told to end, not killed"


@pytest.mark.asyncio
async def test_what_is_not_ready_in_time_is_told_with_reason_and_last_lines(
    layout: Layout,
) -> None:
    chatty = child(layout, "writer", "import signal; print('joining', flush=True); signal.pause()")
    healthy = journalled(layout, "broker")
    supervisor = Supervisor(
        [replace(chatty, ready=never, ready_within_seconds=0.5), healthy], layout
    )
    with pytest.raises(Unavailable) as failed:
        await supervisor.run(asyncio.Event())
    assert "writer is not ready after 0.5 s: no partitions assigned" in failed.value.what
    assert "  | joining" in failed.value.what
    assert str(layout.log("writer")) in failed.value.what
    assert "bergline logs writer" in failed.value.next_step
    assert not state_of(layout).left_over()


@pytest.mark.asyncio
async def test_a_wrong_setting_ends_the_start_at_once(layout: Layout) -> None:
    wrong = child(layout, "ingest", "import sys; print('setting X: bad'); sys.exit(2)")
    supervisor = Supervisor([replace(wrong, ready=never)], layout)
    with pytest.raises(ConfigurationError, match="ingest refuses to start") as failed:
        await supervisor.run(asyncio.Event())
    assert "  | setting X: bad" in failed.value.what


@pytest.mark.asyncio
async def test_what_ends_at_every_start_is_not_waited_for(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.01)
    broken = child(layout, "writer", "import sys; print('no such module', flush=True); sys.exit(1)")
    supervisor = Supervisor([replace(broken, ready=never)], layout)
    with pytest.raises(Unavailable, match=rf"ended with exit code 1 at each of {HOPELESS} starts"):
        await supervisor.run(asyncio.Event())
    assert layout.log("writer").read_text().count("no such module") == HOPELESS


@pytest.mark.asyncio
async def test_what_does_not_drain_is_killed_at_its_limit(layout: Layout) -> None:
    deaf = replace(child(layout, "deaf", DEAF), stop_within_seconds=0.5)
    began = time.monotonic()
    async with supervised(layout, deaf) as supervisor:
        await is_ready(supervisor)
        pid = process_of(supervisor, "deaf").pid
        created = process_of(supervisor, "deaf").created
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert not alive(pid, created)


@pytest.mark.asyncio
async def test_stopping_while_starting_leaves_nothing(layout: Layout) -> None:
    slow = replace(child(layout, "slow", "import signal; signal.pause()"), ready=never)
    async with supervised(layout, slow, journalled(layout, "later", ("slow",))) as supervisor:
        await eventually(lambda: process_of(supervisor, "slow").condition == "starting")
    assert not (layout.root / "journal").exists()
