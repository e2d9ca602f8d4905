"""Conditions are evaluated as their definitions say."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.alerting.evaluate import evaluate
from shared.alerting.expression import (
    Absent,
    All,
    Comparison,
    Condition,
    Either,
    Match,
    Ratio,
    Selector,
)
from shared.alerting.reach import signals, windows
from shared.alerting.series import Labels, Vector, labels
from shared.alerting.store import SeriesStore
from tests.unit.alerting.conditions_strategy import SETS, conditions
from tests.unit.alerting.naive_evaluation import History, naive


def store_of(**vectors: Mapping[Labels, float]) -> SeriesStore:
    store = SeriesStore()
    store.take(vectors.keys(), vectors, 0)
    return store


A, B = labels(table="a"), labels(table="b")
FILES, LIMIT = Selector("files"), Selector("limit")


def test_series_beyond_a_limit_with_their_values() -> None:
    store = store_of(files={A: 5, B: 3})
    assert evaluate(Comparison(FILES, ">", 3), store, 0) == {A: 5}
    assert evaluate(Comparison(FILES, ">=", 3), store, 0) == {A: 5, B: 3}


def test_a_signal_that_is_not_known_leaves_no_answer() -> None:
    store = store_of(files={A: 5})
    above, below = Comparison(FILES, ">", 3), Comparison(LIMIT, "<", 3)
    for condition in (Comparison(FILES, ">", LIMIT), Either((above, below)), Absent(LIMIT)):
        assert evaluate(condition, store, 0) is None
    store.hold(["files"])
    assert evaluate(above, store, 0) is None


def test_series_stand_beside_their_own_limit_and_those_without_do_not_count() -> None:
    store = store_of(files={A: 5, B: 5, labels(table="c"): 5}, limit={A: 4, B: 6})
    assert evaluate(Comparison(FILES, ">", LIMIT), store, 0) == {A: 5}


def test_several_series_beside_one_of_the_labels_named() -> None:
    one, two = labels(table="a", layer="raw"), labels(table="a", layer="marts")
    store = store_of(files={one: 5, two: 3, labels(table="b", layer="raw"): 9}, limit={A: 4})
    assert evaluate(Comparison(FILES, ">", LIMIT, ("table",)), store, 0) == {one: 5}


def test_a_quotient_without_divisor_or_by_nothing_has_no_value() -> None:
    store = store_of(files={A: 5, B: 5, labels(table="c"): 5}, limit={A: 10, B: 0})
    assert evaluate(Comparison(Ratio(FILES, LIMIT), "<", 9), store, 0) == {A: 0.5}


def test_all_of_several() -> None:
    store = store_of(files={A: 5, B: 5}, limit={A: 1, B: 9})
    both = All((Comparison(FILES, ">", 3), Comparison(LIMIT, "<", 3)))
    assert evaluate(both, store, 0) == {A: 5}


def test_one_of_several_with_the_value_of_the_first() -> None:
    store = store_of(files={A: 5}, limit={A: 1, B: 2})
    either = Either((Comparison(FILES, ">", 3), Comparison(LIMIT, "<", 3)))
    assert evaluate(either, store, 0) == {A: 5, B: 2}


def test_what_is_not_there_has_the_labels_that_were_asked_for() -> None:
    store = store_of(files={A: 5})
    asked = (Match("table", "=", "b"), Match("layer", "!=", "raw"))
    assert evaluate(Absent(Selector("files", asked)), store, 0) == {B: 1}
    assert evaluate(Absent(FILES), store, 0) == {}


@pytest.mark.parametrize("on", [None, ("table",)])
def test_a_sum_by_labels(on: tuple[str, ...] | None) -> None:
    lag = {labels(table="a", topic="x"): 4, labels(table="a", topic="y"): 3, B: 1}
    summed = Selector("lag", aggregation="sum", by=("table",))
    store = store_of(lag=lag, limit={A: 6, B: 6})
    assert evaluate(Comparison(summed, ">", LIMIT, on), store, 0) == {A: 7}


def test_the_reach_of_conditions() -> None:
    back = Selector("files", (), 60, "max")
    further = Selector("files", (), 300, "min")
    condition = All((Comparison(back, ">", LIMIT), Absent(further)))
    assert signals(condition) == {"files", "limit"}
    assert windows([condition, Comparison(back, ">", 1)]) == {"files": 300}


STEPS = (1.0, 15.0, 30.0, 31.0, 100.0)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """What is told at uneven times; series come and go. A byte a sample: that is drawn fast."""
    steps = draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=12))
    each = sum(map(len, SETS.values()))
    drawn = iter(draw(st.binary(min_size=len(steps) * each, max_size=len(steps) * each)))
    now, told = 1000.0, []
    for step in steps:
        now += step
        vectors: dict[str, Vector] = {}
        for signal, sets in SETS.items():
            values = zip(sets, drawn, strict=False)
            vectors[signal] = {one: byte % 13 - 3.0 for one, byte in values if byte % 5}
        told.append((now, vectors))
    return told


@settings(max_examples=200, deadline=None)
@given(condition=conditions(), history=histories(), later=st.sampled_from((0.0, 7.5, 60.0)))
def test_a_naive_reading_of_the_definitions_agrees(
    condition: Condition, history: History, later: float
) -> None:
    store = SeriesStore(most_samples=10_000)
    store.retain(windows([condition]))
    for time, vectors in history:
        store.take(vectors.keys(), vectors, time)
    now = history[-1][0] + later
    assert evaluate(condition, store, now) == pytest.approx(naive(condition, history, now))
