"""Alerts begin, fire and end as Prometheus' do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.alerting.alert import Alert
from shared.alerting.events import alert_of, all_labels, event_of, resumed
from shared.alerting.expression import Comparison, Selector
from shared.alerting.lifecycle import advance, ended, fingerprint
from shared.alerting.rule import Place, Rule
from shared.alerting.series import Labels, Vector, labels
from shared.alerting.texts import filled, humanized

T0 = 1_000_000.0
A, B = labels(table="raw.a"), labels(table="raw.b")
RULE = Rule(
    name="Full",
    group="g",
    interval_s=30,
    condition=Comparison(Selector("x"), ">", 1),
    for_s=60,
    keep_firing_for_s=0,
    severity="warning",
    team="platform",
    summary="{table} is at {value} of {nothing}",
    description="{severity} for {team}: {alertname}, {tier}",
    runbook="alerts#full",
    place=Place("f.yaml", 1, 1),
    labels={"tier": "gold"},
)
AT_ONCE = replace(RULE, for_s=0)
KEPT = replace(AT_ONCE, keep_firing_for_s=120)


class Life:
    """The alerts of a rule from evaluation to evaluation."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.held: dict[Labels, Alert] = {}
        self.told: list[tuple[str, float]] = []
        self._before: Vector = {}

    def at(self, seconds: float, active: Vector) -> None:
        now = T0 + seconds
        found = advance(self.rule, self.held, active, now, before=self._before)
        self._before = active
        for alert in (*found.changed, *found.touched):
            self.held[alert.labels] = alert
        self.told += [(each.state, seconds) for each in found.changed]


def test_an_alert_is_pending_until_it_was_active_for_long_enough() -> None:
    life = Life(RULE)
    for seconds in (0, 30, 59, 60, 90):
        life.at(seconds, {A: 2.0})
    assert life.told == [("pending", 0), ("firing", 60)]
    assert life.held[A].active_at == T0
    assert life.held[A].fired_at == T0 + 60


def test_without_for_it_fires_in_the_evaluation_that_finds_it() -> None:
    life = Life(AT_ONCE)
    life.at(0, {A: 2.0, B: 3.0})
    assert life.told == [("firing", 0), ("firing", 0)]


def test_a_pending_alert_whose_condition_is_false_once_begins_anew() -> None:
    life = Life(RULE)
    for seconds, active in ((0, {A: 2.0}), (30, {}), (60, {A: 2.0}), (90, {A: 2.0}), (120, {A: 1})):
        life.at(seconds, active)
    assert life.told == [("pending", 0), ("inactive", 30), ("pending", 60), ("firing", 120)]


def test_the_one_that_ends_does_not_end_the_other() -> None:
    life = Life(AT_ONCE)
    life.at(0, {A: 2.0, B: 3.0})
    life.at(30, {B: 3.0})
    assert (life.held[A].state, life.held[B].state) == ("resolved", "firing")


def test_a_kept_alert_counts_from_the_first_evaluation_for_which_it_is_false() -> None:
    life = Life(KEPT)
    life.at(0, {A: 2.0})
    life.at(100, {})
    life.at(160, {A: 2.0})  # true again: it counts anew
    life.at(200, {})
    life.at(319, {})
    assert life.told == [("firing", 0)]
    life.at(320, {})
    assert life.told == [("firing", 0), ("resolved", 320)]


def test_a_restart_does_not_count_anew_how_long_an_alert_is_kept() -> None:
    life = Life(KEPT)
    life.at(0, {A: 2.0})
    life.at(100, {})
    life.held = {A: alert_of(event_of(life.held[A], KEPT))}
    life.at(220, {})
    assert life.told == [("firing", 0), ("resolved", 220)]


def test_time_in_which_nobody_looked_does_not_count_for_a_pending_alert() -> None:
    life = Life(RULE)
    life.at(0, {A: 2.0})
    life.at(40, {A: 2.0})
    event = event_of(life.held[A], RULE)
    life.held = {A: alert_of(resumed(event, 1000))}
    life.at(1040, {A: 2.0})
    life.at(1059, {A: 2.0})
    assert life.told == [("pending", 0)]
    life.at(1060, {A: 2.0})
    assert life.told == [("pending", 0), ("firing", 1060)]
    fires = event_of(life.held[A], RULE)
    assert resumed(fires, 1000) is fires
    assert resumed(event, 0) is event


def test_what_is_active_again_is_a_new_activity_with_the_next_number() -> None:
    life = Life(AT_ONCE)
    numbers = []
    for seconds in range(4):
        life.at(seconds, {A: 2.0} if seconds % 2 == 0 else {})
        numbers.append(life.held[A].transition)
    assert numbers == [T0, T0 + 1, T0 + 2, T0 + 3]
    life.at(10, {A: 2.0})
    assert life.held[A].active_at == life.held[A].fired_at == T0 + 10
    assert (life.held[A].previous, life.held[A].resolved_at) == ("resolved", None)


def test_a_forgotten_alert_gets_no_number_that_it_had() -> None:
    life = Life(AT_ONCE)
    for seconds in range(0, 100, 10):
        life.at(seconds, {A: 2.0} if seconds % 20 == 0 else {})
    last = life.held.pop(A).transition
    life.at(100_000, {A: 2.0})
    assert life.held[A].transition > last


def test_an_alert_that_ends_has_the_last_value_for_which_the_condition_held() -> None:
    life = Life(AT_ONCE)
    life.at(0, {A: 2.0})
    life.at(30, {A: 7.0})
    assert life.held[A].value == 2.0, "an unchanged alert is left alone"
    life.at(60, {})
    assert life.held[A].value == 7.0


def test_a_series_that_is_gone_is_told_from_a_condition_that_is_false() -> None:
    alerts = {each.labels: each for each in advance(AT_ONCE, {}, {A: 2.0, B: 2.0}, T0).changed}
    found = advance(AT_ONCE, alerts, {}, T0 + 1, exists=lambda each: each == A)
    assert {each.labels: each.ended_by for each in found.changed} == {
        A: "condition_false",
        B: "series_gone",
    }


@pytest.mark.parametrize(("rule", "state"), [(RULE, "inactive"), (AT_ONCE, "resolved")])
def test_an_alert_ends_with_its_rule(rule: Rule, state: str) -> None:
    (alert,) = advance(rule, {}, {A: 2.0}, T0).changed
    over = ended(alert, "rule_removed", T0 + 5)
    assert (over.state, over.ended_by, over.changed_at) == (state, "rule_removed", T0 + 5)
    assert over.transition == alert.transition + 1
    assert over.resolved_at == (T0 + 5 if state == "resolved" else None)
    assert ended(over, "rule_changed", T0 + 9) is over


def test_an_unchanged_alert_is_neither_changed_nor_touched() -> None:
    held = {each.labels: each for each in advance(KEPT, {}, {A: 2.0}, T0).changed}
    assert advance(KEPT, held, {A: 3.0}, T0 + 1) == ([], [])
    (kept,) = advance(KEPT, held, {}, T0 + 1).touched
    assert advance(KEPT, {A: kept}, {}, T0 + 2) == ([], [])


def test_a_fingerprint_is_of_rule_and_labels_and_never_changes() -> None:
    assert fingerprint("Full", A) == "fe3f660efe34d5b7"
    different = {
        fingerprint("Full", A),
        fingerprint("Full", B),
        fingerprint("Fuller", A),
        fingerprint("Full", ()),
        fingerprint("Full", labels(a="b", c="d")),
        fingerprint("Full", labels(ab="c")),
        fingerprint("Full", labels(a="bc")),
    }
    assert len(different) == 7


def test_an_event_has_its_texts_filled_in_and_says_how_the_alert_is_held() -> None:
    (alert,) = advance(AT_ONCE, {}, {A: 12_345.6}, T0 + 0.5).changed
    event = event_of(alert, AT_ONCE, condition="x > 1", cause="e/1", evaluated_by="alerter-0")
    assert event.summary == "raw.a is at 12.35k of "
    assert event.description == "warning for platform: Full, gold"
    assert event.labels == {"table": "raw.a", "tier": "gold"}
    assert (event.condition, event.cause, event.evaluated_by) == ("x > 1", "e/1", "alerter-0")
    assert alert_of(event) == alert
    assert all_labels(event) == {
        "table": "raw.a",
        "tier": "gold",
        "alertname": "Full",
        "severity": "warning",
        "team": "platform",
    }


def test_a_label_of_the_rule_replaces_one_of_the_series_but_not_its_identity() -> None:
    series = labels(tier="lead")
    (alert,) = advance(AT_ONCE, {}, {series: 2.0}, T0).changed
    event = event_of(alert, AT_ONCE)
    assert event.labels == {"tier": "gold"}
    assert event.fingerprint == fingerprint("Full", series)
    assert alert_of(event).labels == series


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (999.96, "1000"),
        (1000.0, "1k"),
        (-12_345.0, "-12.35k"),
        (1_234_567.0, "1.235M"),
        (0.1, "100m"),
        (0.000_02, "20u"),
        (1e30, "1e+06Y"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_numbers_are_shown_as_prometheus_shows_them(value: float, text: str) -> None:
    assert humanized(value) == text


def test_what_is_no_placeholder_stays() -> None:
    assert filled("{} {1} { value } {value}", 2, {}) == "{} {1} { value } 2"


def test_a_clock_that_is_set_back_begins_to_count_anew() -> None:
    pending = Life(RULE)
    for seconds in (3600, 30, 60, 90):
        pending.at(seconds, {A: 2.0})
    assert pending.told == [("pending", 3600), ("firing", 90)]

    kept = Life(KEPT)
    for seconds, active in ((3600, {A: 2.0}), (3630, {}), (30, {}), (60, {}), (150, {})):
        kept.at(seconds, active)
    assert kept.told == [("firing", 3600), ("resolved", 150)]
