"""CPU of one pass: 1,000 rules of 100 series each, sampled, evaluated and through the lifecycle.

Rules have the forms of the built-in ones, in about their proportions: of ten, six compare a signal
with a number (half of them select by a label), one with another signal, one aggregates, one looks
back for a maximum and one divides two increases. They share 50 signals, of which those that some
rule looks back on hold an hour of samples. It is the steady state: one series in a hundred is
firing and stays so, and what a pass changes is next to nothing. New vectors are taken before it.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator

from services.alerter.evaluation.judging import Judge
from services.alerter.evaluation.standing import Standing
from shared.alerting.expression import All, Comparison, Condition, Match, Ratio, Selector
from shared.alerting.reach import windows
from shared.alerting.rule import Place, Rule
from shared.alerting.series import Labels, Vector, labels
from shared.alerting.store import SeriesStore
from shared.cli.output import progress
from tests.bench.report import Measure, measure

RULES, SERIES, SIGNALS = 1000, 100, 50
QUICK_RULES = 50
PASSES = 5
EVERY_S = 15.0
HOUR_S = 3600.0
LIMIT = 99.0
"""Values are the whole numbers up to 100: one series in a hundred is above."""

NAMES = tuple(
    labels(layer=("raw", "staging", "marts")[n % 3], table=f"namespace_{n % 7}.table_{n}")
    for n in range(SERIES)
)


# No two rules look back equally far, so that none profits from what was made for another.
_SHORT, _LONG = itertools.count(HOUR_S / 6), itertools.count(HOUR_S * 0.9)


def _above(signal: str) -> Condition:
    return Comparison(Selector(signal), ">", LIMIT)


def _selected(signal: str) -> Condition:
    return Comparison(Selector(signal, (Match("layer", "!=", "none"),)), ">", LIMIT)


def _beside(signal: str) -> Condition:
    return Comparison(Selector(signal), ">", Selector("limit"))


def _summed(signal: str) -> Condition:
    return Comparison(Selector(signal, (), None, None, "max", ("table",)), ">", LIMIT)


def _looking_back(signal: str) -> Condition:
    return Comparison(Selector(signal, (), next(_SHORT), "max"), ">", LIMIT)


def _share(signal: str) -> Condition:
    window = next(_LONG)
    part, whole = (Selector(name, (), window, "increase") for name in (signal, "all_total"))
    return All((Comparison(Ratio(part, whole), ">", 0.9), Comparison(part, ">", 10)))


FORMS: tuple[Callable[[str], Condition], ...] = (
    *(_above, _above, _above, _selected, _selected, _selected),
    *(_beside, _summed, _looking_back, _share),
)


def _rule(number: int) -> Rule:
    signal = f"signal_{number % SIGNALS}"
    return Rule(
        name=f"Rule{number}",
        group="bench",
        interval_s=EVERY_S,
        condition=FORMS[number % len(FORMS)](signal),
        for_s=60,
        keep_firing_for_s=0,
        severity="warning",
        team="t",
        summary="s",
        description="",
        runbook="",
        place=Place("bench.yaml", 1, 1),
    )


def _vectors(now: float) -> Iterator[tuple[str, Vector]]:
    """What sources give: the same series, in new vectors, with a hundredth above the limit."""
    chance = random.Random(7)
    for number in range(SIGNALS):
        counting = FORMS[number % len(FORMS)] is _share
        order: list[Labels] = chance.sample(NAMES, SERIES)
        yield (
            f"signal_{number}",
            {
                each: now * (n + 1) / SERIES if counting else float(n + 1)
                for n, each in enumerate(order)
            },
        )
    yield "limit", dict.fromkeys(NAMES, LIMIT)
    yield "all_total", dict.fromkeys(NAMES, now)


def measured(rounds: int, *, quick: bool = False) -> list[Measure]:
    """Milliseconds of CPU of a pass over all rules."""
    rules = [_rule(number) for number in range(QUICK_RULES if quick else RULES)]
    store, standing = SeriesStore(), Standing()
    store.retain(windows([rule.condition for rule in rules]))
    judge = Judge(store, standing)
    now = 1_700_000_000.0
    progress("an hour of samples …")
    for _ in range(int(HOUR_S / EVERY_S)):
        now += EVERY_S
        _pass(judge, [], store, now)
    for _ in range(6):
        now += EVERY_S
        _pass(judge, rules, store, now)
    firing = sum(
        alert.state == "firing" for rule in rules for alert in standing.of(rule.name).values()
    )
    if not 0.005 < firing / (len(rules) * SERIES) < 0.1:
        raise ValueError(f"{firing} alerts are firing: that is not the steady state")
    spent: list[float] = []
    for _ in range(rounds):
        seconds = 0.0
        for _ in range(PASSES):
            now += EVERY_S
            seconds += _pass(judge, rules, store, now)
        spent.append(seconds / PASSES * 1000)
    return [measure("evaluate_100k", spent, "ms CPU")]


def _pass(judge: Judge, rules: list[Rule], store: SeriesStore, now: float) -> float:
    """CPU seconds of taking all vectors and judging the rules."""
    vectors = dict(_vectors(now))
    began = time.process_time()
    store.take(vectors.keys(), vectors, now)
    for rule in rules:
        judge.judge(rule, now)
    return time.process_time() - began
