"""What fired on samples that a restart has lost does not end before they are there again."""

from __future__ import annotations

import pytest

from services.alerter.evaluation.judging import Judge
from services.alerter.evaluation.standing import Standing
from services.alerter.rules.ruleset import rule_files
from shared.alerting.reach import windows
from shared.alerting.series import Labels, Vector, labels
from shared.alerting.store import SeriesStore

NOON = 1_795_000_000.0
MINUTE, HOUR = 60.0, 3600.0
LETTERS = "lakehouse_dead_letters_seen_total"
MISSED = "lakehouse_table_objective_missed"
ORDERS = labels(topic="shopify.orders")
MART = labels(layer="marts", table="marts.sales")
RULES = rule_files(None, 1.0)
RULES.look()


class Alerter:
    """One process: its samples end with it, its alerts do not."""

    def __init__(self, name: str, standing: Standing | None = None) -> None:
        self._rule = RULES.value[name]
        self._store = SeriesStore()
        self._store.retain(windows([each.condition for each in RULES.value.values()]))
        self.standing = standing or Standing()
        self._judge = Judge(self._store, self.standing)

    def at(self, seconds: float, signal: str, vector: Vector) -> list[tuple[str, float]]:
        self._store.take([signal], {signal: vector}, NOON + seconds)
        found = self._judge.judge(self._rule, NOON + seconds)
        assert found is not None
        return [(each.state, seconds) for each in found.changed]

    def until(
        self, end: float, signal: str, series: Labels, value: float, begin: float, step: float
    ) -> list[tuple[str, float]]:
        """The same value from ``begin`` until ``end``."""
        told, seconds = [], begin
        while seconds <= end:
            told += self.at(seconds, signal, {series: value})
            seconds += step
        return told

    def restarted(self) -> Alerter:
        return Alerter(self._rule.name, self.standing)


def with_letters() -> Alerter:
    first = Alerter("DeadLettersRising")
    first.at(0, LETTERS, {ORDERS: 0})
    assert first.at(MINUTE, LETTERS, {ORDERS: 50}) == [("firing", MINUTE)]
    return first


def test_dead_letters_of_before_a_restart_count_until_their_window_has_passed() -> None:
    second = with_letters().restarted()
    begin = 2 * MINUTE
    told = second.until(begin + 20 * MINUTE, LETTERS, ORDERS, 0, begin, MINUTE)
    assert told == [("resolved", begin + 15 * MINUTE)]


def test_what_goes_on_after_a_restart_fires_on() -> None:
    second = with_letters().restarted()
    told, count = [], 0
    for minute in range(2, 60):
        count += 5
        told += second.at(minute * MINUTE, LETTERS, {ORDERS: count})
    assert told == []


def test_an_alert_of_samples_that_are_all_there_ends_as_it_always_does() -> None:
    first = Alerter("DeadLettersRising")
    first.at(0, LETTERS, {ORDERS: 0})
    first.at(MINUTE, LETTERS, {ORDERS: 50})
    told = first.until(30 * MINUTE, LETTERS, ORDERS, 50, 2 * MINUTE, MINUTE)
    assert told == [("resolved", 15 * MINUTE)]


def test_a_short_window_that_is_there_again_is_enough_to_know() -> None:
    """Missed over an hour and still: half an hour tells that it is not missed any more."""
    first = Alerter("FreshnessObjectiveBurn")
    told = first.until(12 * MINUTE, MISSED, MART, 1, 0, 30)
    assert told[-1][0] == "firing"
    second = first.restarted()
    begin = 13 * MINUTE
    told = second.until(begin + HOUR, MISSED, MART, 0, begin, 30)
    assert told == [("resolved", begin + 30 * MINUTE)]


@pytest.mark.parametrize("away", [10 * MINUTE, 2 * HOUR])
def test_a_signal_that_was_not_known_for_long_leaves_a_gap_that_counts_as_well(
    away: float,
) -> None:
    first = with_letters()
    begin = MINUTE + away
    told = first.until(begin + HOUR, LETTERS, ORDERS, 50, begin, MINUTE)
    expected = 15 * MINUTE if away < 15 * MINUTE else begin + 15 * MINUTE
    assert told[0][0] == "resolved"
    assert told[0][1] == pytest.approx(expected, abs=MINUTE)
