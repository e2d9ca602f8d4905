"""Preview: what it says of the past is what a running alerter would have told."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerter.evaluation import evaluation as live
from services.alerter.evaluation.judging import Judge
from services.alerter.evaluation.standing import Standing
from services.alerter.evaluation.timetable import COALESCED_S
from shared.alerting import preview
from shared.alerting.alert import Alert
from shared.alerting.expression import Absent, All, Comparison, Condition, Selector
from shared.alerting.preview import Happening, Preview, episodes, not_replayable
from shared.alerting.rule import Place, Rule, Rules
from shared.alerting.series import SignalSource, Vector, labels
from shared.alerting.store import SeriesStore
from tests.explore.virtual_loop import Clock, VirtualLoop

LEVEL, OTHER, AGE = "level", "other", "age"
MINUTES = 12
END = MINUTES * 60.0


@dataclass
class Told:
    """A source whose one signal is set by happenings; ``None``: it is not known."""

    name: str
    vector: Vector | None = None

    @property
    def names(self) -> frozenset[str]:
        return frozenset({self.name})

    def known(self, now: float) -> bool:
        return self.vector is not None

    def vectors(self, now: float) -> Mapping[str, Vector]:
        return {self.name: self.vector or {}}


class Age(Told):
    """Seconds since the happening that set it: it changes though nothing happens."""

    def vectors(self, now: float) -> Mapping[str, Vector]:
        return {self.name: {each: now - at for each, at in (self.vector or {}).items()}}


def rule(
    name: str,
    condition: Condition,
    *,
    for_s: float = 0.0,
    keep_firing_for_s: float = 0.0,
    interval_s: float = 30.0,
) -> Rule:
    return Rule(
        name,
        "g",
        interval_s,
        condition,
        for_s,
        keep_firing_for_s,
        severity="info",
        team="",
        summary="",
        description="",
        runbook="",
        place=Place("f", 1, 1),
    )


def above(signal: str, bound: float, **selector: object) -> Comparison:
    return Comparison(Selector(signal, **selector), ">", bound)  # type: ignore[arg-type]


RULES: Rules = {
    each.name: each
    for each in (
        rule("AtOnce", above(LEVEL, 1)),
        rule("Pending", above(LEVEL, 0), for_s=90, interval_s=60),
        rule("Lasting", above(LEVEL, 1), keep_firing_for_s=100),
        rule("Looking", above(LEVEL, 0.5, window_s=180.0, over_time="avg"), for_s=30),
        rule("Old", above(AGE, 150), interval_s=60),
        rule("Both", All((above(LEVEL, 0), above(OTHER, 0))), for_s=30),
        rule("Absent", Absent(Selector(OTHER)), for_s=60),
    )
}


@dataclass(frozen=True)
class Step:
    at: float
    signal: str
    vector: Vector | None


VECTORS = st.none() | st.dictionaries(
    st.sampled_from([labels(a="x"), labels(a="y"), labels()]), st.integers(0, 2).map(float)
)


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Never at the moment of a turn: which of the two comes first then is nobody's promise."""
    moments = st.tuples(st.integers(0, MINUTES * 60 - 1), st.integers(0, 5))
    steps = []
    for second, soon in draw(st.lists(moments, unique=True, max_size=25)):
        moment = second + 1 / 16 + soon / 512  # some so close that they are one evaluation
        signal = draw(st.sampled_from([LEVEL, OTHER, AGE]))
        vector = draw(VECTORS)
        if signal == AGE and vector is not None:
            vector = dict.fromkeys(vector, moment)
        steps.append(Step(moment, signal, vector))
    return sorted(steps, key=lambda step: step.at)


def sources() -> dict[str, Told]:
    return {LEVEL: Told(LEVEL, {}), OTHER: Told(OTHER), AGE: Age(AGE, {})}


def previewed(history: Sequence[Step], rules: Rules, found: Mapping[str, Told]) -> list[Alert]:
    def taking(step: Step) -> Happening:
        def take() -> Collection[str]:
            found[step.signal].vector = step.vector
            return [step.signal]

        return Happening(step.at, take)

    run = Preview(rules, list(found.values())).run(map(taking, history), 0.0, END)
    return [each.alert for each in run]


def told_live(history: Sequence[Step], rules: Rules, found: Mapping[str, Told]) -> list[Alert]:
    """What the loop of an alerter records while the same happens around it."""
    clock = Clock(0.0)
    recorded: list[Alert] = []

    async def record(changes: Sequence[live.Change]) -> None:
        recorded.extend(each.alert for each in changes if not each.touched)

    loop, store = VirtualLoop(clock), SeriesStore()
    with pytest.MonkeyPatch.context() as patch, loop.running():
        patch.setattr(live, "time", SimpleNamespace(monotonic=clock, time=clock))
        known: list[SignalSource] = list(found.values())
        running = live.Evaluation(
            Judge(store, Standing()), store, known, record, lambda _: None, clock=clock
        )
        running.adopt(rules, list(rules))
        task = loop.create_task(running.run())
        loop.run_ready()
        coming = [(step.at, index) for index, step in enumerate(history)]
        heapq.heapify(coming)
        while True:
            timer = loop.next_timer()
            at = min(timer or END + 1, coming[0][0] if coming else END + 1)
            if at > END:
                break
            clock.now = max(clock.now, at)
            if coming and coming[0][0] <= at:
                step = history[heapq.heappop(coming)[1]]
                found[step.signal].vector = step.vector
                running.changed([step.signal])
            loop.run_ready()
        task.cancel()
        loop.run_ready()
    return recorded


def shown(alerts: Sequence[Alert]) -> list[tuple[object, ...]]:
    return [
        (
            each.rule,
            each.labels,
            # Equal to a hundredth of a second: sums of floats are not.
            pytest.approx(each.changed_at, abs=0.01),
            each.state,
            round(each.value, 3),
        )
        for each in sorted(alerts, key=lambda each: (each.rule, each.labels, each.changed_at))
    ]


@given(histories())
@settings(max_examples=150)
def test_it_says_what_a_running_alerter_would_have_told(history: list[Step]) -> None:
    assert shown(previewed(history, RULES, sources())) == shown(
        told_live(history, RULES, sources())
    )


def test_events_are_taken_together_as_long_as_in_an_alerter() -> None:
    assert preview.COALESCED_S == COALESCED_S


def test_it_evaluates_nothing_before_its_beginning_and_knows_what_was_told() -> None:
    found = sources()

    def take() -> Collection[str]:
        found[LEVEL].vector = {labels(a="x"): 2.0}
        return [LEVEL]

    made = Preview({"AtOnce": RULES["AtOnce"]}, list(found.values()))
    [change] = made.run([Happening(-500.0, take)], 0.0, END)
    assert (change.alert.state, change.alert.active_at) == ("firing", 0.0)


def test_what_no_source_knows_is_named_and_what_waits_is_held() -> None:
    found = sources()
    del found[AGE]
    assert not_replayable(RULES, found.values()) == {"Old": (AGE,)}
    made = Preview(RULES, list(found.values()))
    assert [each.alert for each in made.run([], 0.0, 60.0)] == []
    assert made.held == {"Old", "Both", "Absent"}


def test_an_episode_is_from_its_beginning_to_its_end() -> None:
    high, low = {labels(a="x"): 2.0}, {labels(a="x"): 0.0}
    steps = [Step(10.0, LEVEL, high), Step(300.0, LEVEL, low), Step(400.0, LEVEL, high)]
    found = sources()

    def taking(step: Step) -> Happening:
        def take() -> Collection[str]:
            found[step.signal].vector = step.vector
            return [step.signal]

        return Happening(step.at, take)

    only = {"Pending": RULES["Pending"]}
    run = Preview(only, list(found.values())).run(map(taking, steps), 0.0, 420.0)
    first, second = episodes(run)
    assert (first.active_at, first.over_at) == (10.005, 300.005)
    assert first.fired_at is not None
    assert 100 < first.fired_at < 161
    assert (second.active_at, second.fired_at, second.over_at) == (400.005, None, None)
