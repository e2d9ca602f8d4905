"""An alerter that evaluates nothing any more ends, and with it the signs of life that it tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from services.alerter.evaluation.evaluation import Change, Evaluation
from services.alerter.evaluation.judging import Judge
from services.alerter.evaluation.liveness import LEAST_S, TICK_S, until_stuck
from services.alerter.evaluation.standing import Standing
from shared.alerting.reading import read
from shared.alerting.store import SeriesStore
from shared.runtime.metrics import SIGNALS
from tests.unit.alerter.example_rules import LAG, LAGGING, Said, lag, rules, rules_file

MINUTELY = rules(LAGGING)
HOURLY = read({"rules/test.yaml": rules_file(LAGGING, interval="1h")}, known=SIGNALS)


def evaluation() -> Evaluation:
    async def record(_: Sequence[Change]) -> None:
        """Nothing."""

    store = SeriesStore()
    source = Said(**{LAG: lag(1)})
    return Evaluation(Judge(store, Standing()), store, [source], record, lambda _: None)


class Watch:
    """Time that passes while somebody watches."""

    def __init__(self, evaluation: Evaluation, happens: Callable[[float], object]) -> None:
        self.seconds = 0.0
        self._happens = happens
        self._evaluation = evaluation

    async def pause(self, seconds: float) -> None:
        self.seconds += seconds
        self._happens(self.seconds)

    def ended_after(self) -> float:
        asyncio.run(until_stuck(self._evaluation, self.pause))
        return self.seconds


def test_it_ends_when_nothing_was_evaluated_for_five_minutes() -> None:
    found = evaluation()
    found.adopt(MINUTELY, MINUTELY)

    def happens(seconds: float) -> None:
        if seconds < 3600:
            found.evaluate([*MINUTELY], seconds)

    assert Watch(found, happens).ended_after() == 3600 - TICK_S + LEAST_S


def test_rules_that_are_rarely_evaluated_are_waited_for() -> None:
    found = evaluation()
    found.adopt(HOURLY, HOURLY)
    assert Watch(found, lambda _: None).ended_after() == 3 * 3600


def test_one_that_has_no_rules_has_nothing_to_evaluate() -> None:
    found = evaluation()
    found.adopt(MINUTELY, ())

    def happens(seconds: float) -> None:
        if seconds == 7200:
            found.own(MINUTELY)

    assert Watch(found, happens).ended_after() == 7200 + LEAST_S - TICK_S
