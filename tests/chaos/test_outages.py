"""From when to when something was wrong with a process."""

from __future__ import annotations

import pytest

from deploy.embedded.state import Condition, ProcessState
from tests.chaos.outages import Outage, Outages


class Clock:
    now_ms = 0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outages(clock: Clock) -> Outages:
    return Outages(lambda: clock.now_ms)


def seen(pid: int = 1, condition: Condition = "ready") -> ProcessState:
    return ProcessState(name="storage", condition=condition, pid=pid)


def test_a_killed_process_is_away_until_another_one_is_ready(
    outages: Outages, clock: Clock
) -> None:
    outages.killed("storage", 1)
    clock.now_ms = 5
    outages.saw(seen(pid=1))  # the supervisor has not noticed yet
    clock.now_ms = 9
    outages.saw(seen(pid=2, condition="starting"))
    clock.now_ms = 20
    outages.saw(seen(pid=2))
    clock.now_ms = 30
    outages.saw(seen(pid=2))
    assert outages.all() == [Outage("storage", 0, 20)]


def test_a_paused_process_is_away_until_it_was_let_go(outages: Outages, clock: Clock) -> None:
    outages.hold("storage")
    clock.now_ms = 5
    outages.saw(seen())
    assert outages.all() == [Outage("storage", 0, 5)]
    outages.release("storage")
    clock.now_ms = 9
    outages.saw(seen())
    assert outages.all() == [Outage("storage", 0, 9)]


def test_a_process_that_ended_by_itself_is_away_too(outages: Outages, clock: Clock) -> None:
    clock.now_ms = 5
    outages.saw(seen(condition="restarting"))
    clock.now_ms = 9
    outages.saw(seen(pid=2))
    assert outages.all() == [Outage("storage", 5, 9)]


def test_what_is_well_has_no_outage(outages: Outages) -> None:
    outages.saw(seen())
    assert outages.all() == []
