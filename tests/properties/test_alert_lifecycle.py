"""The life of alerts agrees with a model that is Prometheus' own code, line by line.

The model is ``AlertingRule.Eval`` of Prometheus (rules/alerting.go), without its retention of
alerts that are over: it goes through every alert at every evaluation and says nothing of changes.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from services.alerter.journal.lines import Kept, content, read
from services.alerter.journal.state import of
from shared.alerting.alert import Alert
from shared.alerting.events import alert_of, event_of
from shared.alerting.lifecycle import Advanced, advance
from shared.alerting.rule import Rule
from shared.alerting.series import Labels, Vector, labels
from tests.unit.alerting.test_lifecycle import RULE

SERIES = [labels(table=name) for name in "abc"]


@dataclass
class Modelled:
    """One alert as Prometheus holds it."""

    active_at: float
    firing: bool = False
    fired_at: float | None = None
    keep_firing_since: float | None = None


class Prometheus:
    """Its alerts that are pending or firing."""

    def __init__(self, hold: float, keep: float) -> None:
        self.hold, self.keep = hold, keep
        self.active: dict[Labels, Modelled] = {}

    def eval(self, found: Vector, ts: float) -> None:
        for series in found:
            if series not in self.active:
                self.active[series] = Modelled(active_at=ts)
        for series, alert in list(self.active.items()):
            if series not in found:
                keep_firing = False
                if alert.firing and self.keep > 0:
                    if alert.keep_firing_since is None:
                        alert.keep_firing_since = ts
                    if ts - alert.keep_firing_since < self.keep:
                        keep_firing = True
                if not keep_firing:
                    del self.active[series]
                    continue
            else:
                alert.keep_firing_since = None
            if not alert.firing and ts - alert.active_at >= self.hold:
                alert.firing = True
                alert.fired_at = ts


evaluations = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.dictionaries(st.sampled_from(SERIES), st.floats(0, 9), max_size=3),
        st.booleans(),
    ),
    max_size=40,
)
rules = st.builds(
    lambda hold, keep: replace(RULE, for_s=float(hold), keep_firing_for_s=float(keep)),
    st.sampled_from([0, 30, 61]),
    st.sampled_from([0, 25, 60]),
)


def restarted(held: dict[Labels, Alert], rule: Rule) -> dict[Labels, Alert]:
    """What another process reads of them."""
    return {key: alert_of(event_of(alert, rule)) for key, alert in held.items()}


@given(rule=rules, history=evaluations)
def test_the_same_is_pending_and_firing_as_in_prometheus(
    rule: Rule, history: list[tuple[int, Vector, bool]]
) -> None:
    model = Prometheus(rule.for_s, rule.keep_firing_for_s)
    held: dict[Labels, Alert] = {}
    now = 1_700_000_000.0
    before: Vector = {}
    for step, active, restarts in history:
        now += step
        if restarts:
            held = restarted(held, rule)
        found = advance(rule, held, active, now, before=before)
        before = active
        for alert in (*found.changed, *found.touched):
            last = held.get(alert.labels)
            held[alert.labels] = alert
            if alert in found.touched:
                assert last == replace(alert, false_since=last.false_since if last else None)
                continue
            assert alert.changed_at == now
            assert alert.previous == (last.state if last else None)
            assert alert.transition == (last.transition + 1 if last else now)
            assert (last.state if last else None, alert.state) in STEPS
        model.eval(active, now)
        assert {
            key: (alert.active_at, alert.state == "firing", alert.fired_at, alert.false_since)
            for key, alert in held.items()
            if alert.state in ("pending", "firing")
        } == {
            key: (alert.active_at, alert.firing, alert.fired_at, alert.keep_firing_since)
            for key, alert in model.active.items()
        }
        assert not advance(rule, held, active, now).changed, "the same again changes nothing"


def kept(advanced: Advanced, rule: Rule) -> list[Kept]:
    """The lines of a journal that an evaluation writes."""
    return [Kept(event_of(each, rule)) for each in (*advanced.changed, *advanced.touched)]


@given(rule=rules, history=evaluations, data=st.data())
def test_from_any_prefix_of_the_journal_it_goes_on_as_if_nothing_had_been(
    rule: Rule, history: list[tuple[int, Vector, bool]], data: st.DataObject
) -> None:
    held: dict[Labels, Alert] = {}
    lines: list[Kept] = []
    written: list[int] = []
    times: list[tuple[float, Vector]] = []
    now = 1_700_000_000.0
    for step, active, _ in history:
        now += step
        found = advance(rule, held, active, now)
        held |= {each.labels: each for each in (*found.changed, *found.touched)}
        lines += kept(found, rule)
        written.append(len(lines))
        times.append((now, active))
    left = data.draw(st.integers(0, len(lines)), label="lines left")
    board = of(read(content(lines[:left])).entries).board
    again = {alert.labels: alert for alert in map(alert_of, board.alerts.values())}
    # The evaluation that was cut off is the first of the next process.
    for at, active in times[bisect_left(written, left) :]:
        found = advance(rule, again, active, at)
        again |= {each.labels: each for each in (*found.changed, *found.touched)}
    assert again == held


STEPS = {
    (before, after) for before in (None, "resolved", "inactive") for after in ("pending", "firing")
} | {("pending", "firing"), ("pending", "inactive"), ("firing", "resolved")}
"""Every change that there is: after firing only resolved, so a firing has exactly one."""
