"""When rules are evaluated: at their interval, at once after events, and not for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.alerter.evaluation.timetable import COALESCED_S, SHARE, Timetable

LAG, FILES = "lakehouse_consumer_lag_records", "iceberg_table_file_count"


def timetable(now: float = 0.0) -> Timetable:
    made = Timetable()
    made.set_rules(
        {"Lag": 30.0, "Files": 300.0, "Both": 60.0},
        {"Lag": [LAG], "Files": [FILES], "Both": [LAG, FILES]},
        now,
    )
    return made


def test_rules_that_are_new_are_due_at_once_and_then_at_their_interval() -> None:
    times = timetable(100.0)
    assert times.next_at() == 100.0
    assert times.take(100.0) == ["Lag", "Files", "Both"]
    assert times.take(129.9) == []
    assert times.take(130.0) == ["Lag"]
    assert times.take(160.0) == ["Lag", "Both"]
    assert times.next_at() == 190.0


def test_an_event_has_the_rules_that_need_its_signal_evaluated_soon() -> None:
    times = timetable()
    times.take(0.0)
    times.changed([FILES], 10.0)
    assert times.next_at() == 10.0 + COALESCED_S
    assert times.take(10.0 + COALESCED_S / 2) == []
    assert times.take(10.0 + COALESCED_S) == ["Files", "Both"]
    assert times.take(11.0) == []
    assert times.take(30.0) == ["Lag"], "others keep their turn"


def test_events_that_come_close_to_each_other_are_one_evaluation() -> None:
    times = timetable()
    times.take(0.0)
    for number in range(10):
        times.changed([LAG], 10.0 + number * COALESCED_S / 10)
    assert times.take(10.0 + COALESCED_S) == ["Lag", "Both"]
    assert times.next_at() == 10.0 + COALESCED_S + 30.0


def test_a_storm_of_events_takes_a_share_of_the_time_only() -> None:
    times = timetable()
    times.take(0.0)
    times.took(0.1, now=10.0)
    times.changed([LAG], 10.0)
    assert times.next_at() == 10.0 + 0.1 * SHARE
    assert times.take(10.5) == []
    assert times.take(11.0) == ["Lag", "Both"]


def test_an_event_of_a_signal_that_no_rule_needs_wakes_nobody() -> None:
    times = timetable()
    times.take(0.0)
    times.changed(["lakehouse_alerter_alive"], 1.0)
    assert times.next_at() == 30.0


def test_rules_that_stay_keep_their_turn_and_a_shorter_interval_counts_at_once() -> None:
    times = timetable()
    times.take(0.0)
    times.set_rules({"Lag": 5.0, "Both": 60.0, "New": 60.0}, {"New": [FILES]}, 10.0)
    assert times.take(10.0) == ["New"]
    assert times.take(15.0) == ["Lag"]
    assert times.take(60.0) == ["Lag", "Both"]
    times.changed([LAG], 61.0)
    assert times.take(62.0) == [], "what a rule needs is what was said last"


def test_without_rules_nothing_is_due() -> None:
    times = Timetable()
    assert times.next_at() is None
    assert times.take(1e9) == []


@given(st.lists(st.tuples(st.floats(0.001, 20), st.sampled_from([None, LAG, FILES])), max_size=60))
def test_no_rule_waits_longer_than_its_interval(steps: list[tuple[float, str | None]]) -> None:
    times, now = timetable(), 0.0
    last = dict.fromkeys(times.take(now), now)
    for step, signal in steps:
        now += step
        if signal is not None:
            times.changed([signal], now)
        for name in times.take(now):
            last[name] = now
        for name, interval in {"Lag": 30.0, "Files": 300.0, "Both": 60.0}.items():
            assert now - last[name] < interval
