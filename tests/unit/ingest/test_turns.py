"""Turns: the lanes of a broker hand over together, and not while it is at work."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.ingest.turns import LINGER_SECONDS, PATIENCE_SECONDS, Turns
from tests.explore.virtual_loop import Clock, VirtualLoop


class Lane:
    """Notes when it began."""

    def __init__(self, began: Callable[[], None]) -> None:
        self.begin = began


class Broker:
    """Turns on a clock that is moved by hand."""

    def __init__(self) -> None:
        self.clock = Clock(0.0)
        self.loop = VirtualLoop(self.clock)
        with self.loop.running():
            self.turns = Turns()
        self.began: list[tuple[str, float]] = []

    def join(self, name: str) -> None:
        self.turns.join(Lane(lambda: self.began.append((name, self.clock.now))))

    def wait(self, until: float) -> None:
        """Let time pass, stopping at each timer."""
        while (due := self.loop.next_timer()) is not None and due <= until:
            self.clock.now = due
            self.loop.run_ready()
        self.clock.now = until


@pytest.fixture
def broker() -> Broker:
    return Broker()


def test_all_that_have_records_within_the_linger_begin_together(broker: Broker) -> None:
    broker.join("a")
    broker.wait(LINGER_SECONDS / 2)
    broker.join("b")
    broker.wait(1)
    assert broker.began == [("a", LINGER_SECONDS), ("b", LINGER_SECONDS)]


def test_nobody_begins_while_the_broker_is_at_work_and_all_do_when_it_is_free(
    broker: Broker,
) -> None:
    broker.turns.left()
    broker.turns.left()
    broker.join("a")
    broker.wait(0.04)
    broker.turns.arrived()
    broker.wait(0.05)
    assert not broker.began, "one of two batches is still under way"
    broker.join("b")
    broker.turns.arrived()
    broker.wait(1)
    assert broker.began == [("a", 0.05), ("b", 0.05)]


def test_a_broker_that_is_free_early_gets_no_less(broker: Broker) -> None:
    broker.turns.left()
    broker.join("a")
    broker.turns.arrived()
    broker.wait(LINGER_SECONDS / 2)
    broker.join("b")
    broker.wait(1)
    assert broker.began == [("a", LINGER_SECONDS), ("b", LINGER_SECONDS)]


def test_what_comes_after_an_answer_lingers_as_ever(broker: Broker) -> None:
    broker.turns.left()
    broker.wait(0.01)
    broker.turns.arrived()
    broker.wait(0.02)
    broker.join("a")
    broker.wait(1)
    assert broker.began == [("a", 0.02 + LINGER_SECONDS)]


def test_a_partition_that_is_never_done_holds_up_no_other_for_long(broker: Broker) -> None:
    broker.turns.left()
    broker.join("a")
    for number in range(1, 50):
        broker.wait(number / 100)
        # One with a backlog: its next batch is under way before the last one is acknowledged.
        broker.turns.left()
        broker.turns.arrived()
    assert broker.began == [("a", PATIENCE_SECONDS)]
