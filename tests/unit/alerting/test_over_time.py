"""Functions of windows, with the numbers of Prometheus 3."""

from __future__ import annotations

import math

import pytest

from shared.alerting.expression import OverTime
from shared.alerting.over_time import over_time
from shared.alerting.series import labels
from shared.alerting.store import Samples

NONE = labels()


def of(function: OverTime, samples: dict[float, float], window: float, now: float) -> float | None:
    made = Samples()
    for time, value in samples.items():
        made.append(time, value, 0)
    return over_time(function, [(NONE, made)], window, now).get(NONE)


@pytest.mark.parametrize(
    ("function", "value"),
    [("max", 7), ("min", 1), ("avg", 4), ("sum", 12), ("count", 3), ("last", 4)],
)
def test_functions_of_values(function: OverTime, value: float) -> None:
    assert of(function, {0: 100, 10: 1, 20: 7, 30: 4}, 30, 30) == value


@pytest.mark.parametrize("function", ["max", "min", "avg", "sum", "count", "last"])
def test_an_empty_window_has_no_value(function: OverTime) -> None:
    assert of(function, {0: 1}, 30, 30) is None


def test_a_window_ends_now() -> None:
    assert of("last", {0: 1, 10: 2, 20: 3}, 30, 15) == 2


@pytest.mark.parametrize("function", ["increase", "rate", "delta"])
def test_one_sample_has_no_gain(function: OverTime) -> None:
    assert of(function, {10: 1}, 30, 30) is None


class TestExtrapolation:
    def test_up_to_an_edge_that_is_near(self) -> None:
        """60 in 30 s, from 5 s behind the left edge to 5 s before the right one."""
        samples = {5.0: 100.0, 15.0: 120.0, 25.0: 140.0, 35.0: 160.0}
        assert of("increase", samples, 40, 40) == pytest.approx(80)
        assert of("rate", samples, 40, 40) == pytest.approx(2)

    def test_half_a_step_beyond_the_ends_of_a_series(self) -> None:
        samples = {105.0: 100.0, 115.0: 120.0, 125.0: 140.0}
        assert of("increase", samples, 200, 200) == pytest.approx(40 + 10 + 10)

    def test_a_counter_not_below_zero(self) -> None:
        samples = {5.0: 2.0, 15.0: 22.0, 25.0: 42.0}
        assert of("increase", samples, 30, 30) == pytest.approx(40 + 2 + 10)

    def test_a_gauge_below_zero(self) -> None:
        samples = {5.0: 2.0, 15.0: 22.0, 25.0: 42.0}
        assert of("delta", samples, 30, 30) == pytest.approx(40 + 10 + 10)


def test_a_counter_that_began_again_lost_nothing() -> None:
    assert of("increase", {5: 100, 15: 110, 25: 5, 35: 15}, 40, 40) == pytest.approx(25 * 40 / 30)


def test_a_gauge_that_fell_fell() -> None:
    assert of("delta", {5: 100, 15: 110, 25: 5, 35: 15}, 40, 40) == pytest.approx(-85 * 40 / 30)


def test_what_does_not_move_gains_nothing() -> None:
    assert of("increase", {5: 100, 15: 100}, 20, 20) == 0


@pytest.mark.parametrize("function", ["max", "min"])
def test_no_number_is_passed_over(function: OverTime) -> None:
    assert of(function, {1: math.nan, 2: 3, 3: math.nan}, 10, 5) == 3
    assert math.isnan(of(function, {1: math.nan}, 10, 5) or 0)


def test_infinities_add_up_as_floats_do() -> None:
    assert math.isnan(of("sum", {1: math.inf, 2: -math.inf}, 10, 5) or 0)
