"""The loop: who is evaluated, what is recorded, and what an error stops: nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from services.alerter.evaluation import timetable
from services.alerter.evaluation.evaluation import Change, Evaluation
from services.alerter.evaluation.judging import Judge
from services.alerter.evaluation.standing import Standing
from shared.alerting.series import SignalSource, labels
from shared.alerting.store import SeriesStore
from tests.unit.alerter.example_rules import (
    DOWN,
    FILES,
    LAG,
    LAGGING,
    MANY_FILES,
    UP,
    Said,
    lag,
    rules,
)

ALL = rules(LAGGING, MANY_FILES, DOWN)
WITHIN_S = 20.0


class Desk:
    """An evaluation whose changes are collected."""

    def __init__(self, *sources: SignalSource, slow: Callable[[], object] = lambda: None) -> None:
        self.changes: list[Change] = []
        self.passes: list[float] = []
        self.recorded = asyncio.Event()
        self._slow = slow
        store = SeriesStore()
        self.evaluation = Evaluation(
            Judge(store, Standing()), store, sources, self._record, self.passes.append
        )

    async def _record(self, changes: Sequence[Change]) -> None:
        self._slow()
        self.changes += changes
        self.recorded.set()

    async def running(self, *steps: Callable[[], bool | None]) -> None:
        """Do a step, wait until it holds what it says, do the next."""
        task = asyncio.create_task(self.evaluation.run())
        try:
            async with asyncio.timeout(WITHIN_S):
                for step in steps:
                    while step() is False:
                        assert not task.done(), task.exception()
                        await asyncio.sleep(0.001)
        finally:
            task.cancel()
            await asyncio.wait({task})

    def states(self) -> list[tuple[str, str]]:
        return [(each.alert.rule, each.alert.state) for each in self.changes]


def test_an_event_is_evaluated_at_once_and_named_as_the_cause() -> None:
    source = Said(**{LAG: lag(1)})

    async def run() -> None:
        desk = Desk(source, Said(**{FILES: {}}), Said(**{UP: {}}))
        desk.evaluation.adopt(ALL, ALL)

        def worse() -> None:
            source.vector[LAG] = lag(500)
            desk.evaluation.changed([LAG], "event-7")

        await desk.running(lambda: desk.evaluation.passes > 0, worse, lambda: bool(desk.changes))
        [change] = desk.changes
        assert (change.alert.rule, change.alert.state, change.cause) == (
            "Lagging",
            "firing",
            "event-7",
        )
        assert desk.evaluation.passes == 2

    asyncio.run(run())


def test_a_pass_of_other_rules_leaves_the_cause_to_those_that_it_is_of() -> None:
    async def run() -> None:
        desk = Desk(Said(**{LAG: lag(500)}), Said(**{FILES: {}}), Said(**{UP: {}}))
        desk.evaluation.adopt(ALL, ALL)
        desk.evaluation.changed([LAG], "event-7")
        assert desk.evaluation.evaluate(["TooManyFiles", "Unreachable"], 0.0) == []
        [change] = desk.evaluation.evaluate(["Lagging"], 0.0)
        assert change.cause == "event-7"
        desk.evaluation.changed([FILES], "event-8")
        assert desk.evaluation.evaluate(["Lagging"], 0.0) == [], "nothing of it changed"

    asyncio.run(run())


def test_only_rules_of_ours_are_evaluated() -> None:
    async def run() -> None:
        down = Said(**{UP: {labels(target="broker"): 0.0}})
        desk = Desk(Said(**{LAG: lag(500)}), Said(**{FILES: {}}), down)
        desk.evaluation.adopt(ALL, {"Unreachable"})
        await desk.running(lambda: bool(desk.changes))
        assert desk.states() == [("Unreachable", "firing")]
        desk.changes.clear()
        await desk.running(
            lambda: desk.evaluation.own({"Unreachable", "Lagging"}), lambda: bool(desk.changes)
        )
        assert desk.states() == [("Lagging", "firing")], "what stays is not judged anew"

    asyncio.run(run())


def test_a_source_that_fails_holds_its_rules_and_no_others() -> None:
    broken, down = Said(**{LAG: lag(500)}), Said(**{UP: {labels(target="broker"): 0.0}})
    broken.error = ZeroDivisionError("no such thing")

    async def run() -> None:
        desk = Desk(broken, Said(**{FILES: None}), down)
        desk.evaluation.adopt(ALL, ALL)
        await desk.running(lambda: bool(desk.changes))
        assert desk.states() == [("Unreachable", "firing")]
        assert desk.evaluation.held == {"Lagging", "TooManyFiles"}
        assert desk.evaluation.troubles.sources == {LAG: "ZeroDivisionError: no such thing"}

        broken.error = None
        await desk.running(lambda: desk.evaluation.changed([LAG]), lambda: len(desk.changes) == 2)
        assert desk.states()[1:] == [("Lagging", "firing")]
        assert desk.evaluation.held == {"TooManyFiles"}
        assert desk.evaluation.troubles.sources == {}

    asyncio.run(run())


def test_a_rule_that_fails_stops_no_other_and_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timetable, "SHARE", 0.0)  # to print the error may take seconds
    source = Said(**{LAG: lag(500)})
    source.vector[LAG] = {labels(group="a"): "many"}  # type: ignore[dict-item]

    async def run() -> None:
        down = Said(**{UP: {labels(target="broker"): 0.0}})
        desk = Desk(source, Said(**{FILES: {}}), down)
        desk.evaluation.adopt(ALL, ALL)
        await desk.running(lambda: bool(desk.changes))
        assert desk.states() == [("Unreachable", "firing")]
        assert set(desk.evaluation.troubles.rules) == {"Lagging"}
        assert "TypeError" in desk.evaluation.troubles.rules["Lagging"]

        source.vector[LAG] = lag(500)
        await desk.running(lambda: desk.evaluation.changed([LAG]), lambda: len(desk.changes) == 2)
        assert desk.evaluation.troubles.rules == {}

    asyncio.run(run())


def test_while_paused_nothing_is_evaluated_and_events_are_not_forgotten() -> None:
    source = Said(**{LAG: lag(1)})

    async def run() -> None:
        desk = Desk(source, Said(**{FILES: {}}), Said(**{UP: {}}))
        desk.evaluation.adopt(ALL, ALL)
        await desk.running(lambda: desk.evaluation.passes == 1)
        desk.evaluation.pause()
        source.vector[LAG] = lag(500)
        desk.evaluation.changed([LAG])
        turns = iter(range(100))
        await desk.running(lambda: next(turns, None) is None)
        assert desk.evaluation.passes == 1
        await desk.running(desk.evaluation.resume, lambda: bool(desk.changes))
        assert desk.states() == [("Lagging", "firing")]

    asyncio.run(run())


def test_windows_of_rules_that_others_evaluate_are_kept() -> None:
    rising = LAGGING.replace("above: 100", "over: 5m, function: max, above: 100")
    source = Said(**{LAG: lag(500)})

    async def run() -> None:
        desk = Desk(source, Said(**{UP: {}}))
        both = rules(rising, DOWN)
        desk.evaluation.adopt(both, {"Unreachable"})
        await desk.running(lambda: desk.evaluation.passes == 1)
        source.vector[LAG] = lag(0)
        await desk.running(lambda: desk.evaluation.own(both), lambda: bool(desk.changes))
        assert desk.states() == [("Lagging", "firing")], "it was above within the window"

    asyncio.run(run())
