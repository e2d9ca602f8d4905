"""One rule, evaluated; and which alerts go on under other rules, as in Prometheus."""

from __future__ import annotations

import pytest

from services.alerter.evaluation.judging import Judge, superseded
from services.alerter.evaluation.standing import Standing
from shared.alerting.events import event_of
from shared.alerting.series import Vector, labels
from shared.alerting.store import SeriesStore
from tests.unit.alerter.example_rules import FILES, LAG, LAGGING, MANY_FILES, lag, rule, rules

NOON = 1_795_000_000.0
LAGGING_LONG = LAGGING.replace("severity:", "for: 1m\nseverity:")


class Desk:
    def __init__(self) -> None:
        self.store = SeriesStore()
        self.standing = Standing()
        self.judge = Judge(self.store, self.standing)

    def at(self, seconds: float, text: str, signal: str, vector: Vector) -> list[str]:
        self.store.take([signal], {signal: vector}, NOON + seconds)
        found = self.judge.judge(rule(text), NOON + seconds)
        assert found is not None
        return [each.state for each in found.changed]


def test_an_alert_fires_once_and_resolves_with_the_value_that_it_had_last() -> None:
    desk = Desk()
    assert desk.at(0, LAGGING, LAG, lag(50)) == []
    assert desk.at(30, LAGGING, LAG, lag(500)) == ["firing"]
    assert desk.at(60, LAGGING, LAG, lag(700)) == []
    assert desk.at(90, LAGGING, LAG, lag(0)) == ["resolved"]
    [alert] = desk.standing.of("Lagging").values()
    assert alert.value == 700
    assert alert.ended_by == "condition_false"
    assert desk.at(120, LAGGING, LAG, lag(101)) == ["firing"]


def test_it_is_told_when_a_series_is_gone() -> None:
    desk = Desk()
    desk.at(0, LAGGING, LAG, lag(500))
    assert desk.at(30, LAGGING, LAG, {}) == ["resolved"]
    [alert] = desk.standing.of("Lagging").values()
    assert alert.ended_by == "series_gone"


def test_a_sum_has_a_series_while_one_of_its_parts_has() -> None:
    text = LAGGING.replace("above:", "sum: {by: [group]}, above:").replace("{topic}", "all")
    desk = Desk()
    desk.at(0, text, LAG, lag(500))
    desk.at(30, text, LAG, lag(1))
    [alert] = desk.standing.of("Lagging").values()
    assert (alert.labels, alert.ended_by) == (labels(group="stream_writer"), "condition_false")


def test_while_a_signal_is_not_known_alerts_stay_as_they_are() -> None:
    desk = Desk()
    desk.at(0, LAGGING, LAG, lag(500))
    desk.store.hold([LAG])
    assert desk.judge.judge(rule(LAGGING), NOON + 30) is None
    assert desk.at(60, LAGGING, LAG, lag(500)) == []


def test_time_in_which_a_signal_is_not_known_does_not_count_for_how_long_a_condition_held() -> None:
    """Else two hours without a broker would make everything fire that was about to before."""
    desk = Desk()
    assert desk.at(0, LAGGING_LONG, LAG, lag(500)) == ["pending"]
    for seconds in (30, 60, 3600):
        desk.store.hold([LAG])
        assert desk.judge.judge(rule(LAGGING_LONG), NOON + seconds) is None
    assert desk.at(3630, LAGGING_LONG, LAG, lag(500)) == []
    [alert] = desk.standing.of("Lagging").values()
    assert alert.active_at == NOON + 3600, "half a minute of it was seen"
    assert desk.at(3659, LAGGING_LONG, LAG, lag(500)) == []
    assert desk.at(3660, LAGGING_LONG, LAG, lag(500)) == ["firing"]


def test_what_fired_elsewhere_does_not_fire_again_here() -> None:
    there, here = Desk(), Desk()
    there.at(0, LAGGING, LAG, lag(500))
    [alert] = there.standing.of("Lagging").values()
    assert here.standing.learned(alert)
    assert not here.standing.learned(alert), "twice is no news"
    assert here.at(30, LAGGING, LAG, lag(600)) == []
    assert here.at(60, LAGGING, LAG, lag(0)) == ["resolved"]


def test_a_pending_alert_goes_on_waiting_elsewhere() -> None:
    there, here = Desk(), Desk()
    files = {labels(layer="raw", table="raw.x"): 50.0}
    assert there.at(0, MANY_FILES, FILES, files) == ["pending"]
    [alert] = there.standing.of("TooManyFiles").values()
    here.standing.learned(alert)
    assert here.at(59, MANY_FILES, FILES, files) == []
    assert here.at(60, MANY_FILES, FILES, files) == ["firing"]


@pytest.mark.parametrize(
    ("was", "becomes", "end"),
    [
        ("above: 100", "above: 200", None),
        ("above: 100", "below: 5", None),
        ("severity: warning", "severity: critical", "rule_changed"),
        ("team: data-engineering", "team: platform", "rule_changed"),
        ("severity: warning", "severity: warning\nlabels: {shift: night}", "rule_changed"),
        ("alert: Lagging", "alert: Behind", "rule_removed"),
        ("is {value} behind", "is behind", None),
    ],
)
def test_an_alert_goes_on_under_a_rule_of_its_name_and_labels(
    was: str, becomes: str, end: str | None
) -> None:
    desk = Desk()
    desk.at(0, LAGGING, LAG, lag(500))
    [alert] = desk.standing.of("Lagging").values()
    event = event_of(alert, rule(LAGGING))
    assert superseded(rules(LAGGING), event) is None
    assert superseded(rules(LAGGING.replace(was, becomes)), event) == end


def test_a_label_of_the_rule_that_stays_is_no_change() -> None:
    text = LAGGING.replace("severity:", "labels: {shift: night}\nseverity:")
    desk = Desk()
    desk.at(0, text, LAG, lag(500))
    [alert] = desk.standing.of("Lagging").values()
    assert superseded(rules(text), event_of(alert, rule(text))) is None
    assert superseded(rules(LAGGING), event_of(alert, rule(text))) == "rule_changed"
