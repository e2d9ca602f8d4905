"""Laws of who is told what, over arbitrary lives of alerts, silences, receivers and crashes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pydantic import SecretStr

from services.alerter.states.merging import merge
from shared.alerting.board import Board
from shared.alerting.events import all_labels
from shared.alerting.lifecycle import fingerprint
from shared.alerting.matchers import matches
from shared.alerting.notifying.inhibition import Inhibiting, Inhibition
from shared.alerting.notifying.notification import Notification
from shared.alerting.notifying.planning import Plan, plan
from shared.alerting.notifying.receiver import Receiver
from shared.alerting.notifying.routing import Escalation, Route, Routing, routes_of
from shared.alerting.notifying.silencing import Silencing
from shared.contracts.alerts import (
    AlertAcknowledged,
    AlertChanged,
    AlertSilenced,
    AlertState,
    Matcher,
    Severity,
)

START = 1_700_000_000
TABLES = ("a", "b")
SEVERITIES: dict[str, Severity] = {
    "Down": "critical",
    "Late": "warning",
    "Worse": "critical",
    "Alive": "none",
}
LONGEST_S = 600
"""Longer than anything waits but a repeat."""
WAIT_S = 100
"""Longer than a group waits for company, or for its next notification."""


def is_named(*names: str) -> tuple[Matcher, ...]:
    return (Matcher(label="alertname", op="=~", value="|".join(names)),)


ROUTING = Routing(
    {
        name: Receiver(
            name, "webhook", SecretStr("x"), heartbeat_s=60.0 if name == "watchdog" else None
        )
        for name in ("chat", "on-call", "manager", "watchdog")
    },
    Route(
        "chat",
        group_wait_s=10,
        group_interval_s=60,
        repeat_interval_s=3600,
        routes=(
            Route(
                "on-call",
                matchers=(Matcher(label="severity", value="critical"),),
                group_by=("table",),
                group_wait_s=0,
                group_interval_s=60,
                repeat_interval_s=3600,
                escalations=(Escalation(300, "manager"),),
                continues=True,
            ),
            Route(
                "chat",
                matchers=is_named("Late", "Worse"),
                group_by=("alertname", "table"),
                group_wait_s=30,
                group_interval_s=60,
                repeat_interval_s=3600,
            ),
        ),
    ),
    (
        Inhibition(is_named("Down"), is_named("Late"), ("table",)),
        Inhibition(is_named("Down"), is_named("Worse"), ("table",), early=True),
    ),
)

alerts = st.tuples(st.sampled_from(sorted(SEVERITIES)), st.sampled_from(TABLES))
NEXT: dict[AlertState | None, tuple[AlertState, ...]] = {
    None: ("pending", "firing"),
    "pending": ("firing", "inactive"),
    "firing": ("resolved",),
    "resolved": ("pending", "firing"),
    "inactive": ("pending", "firing"),
}


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class Notifying(RuleBasedStateMachine):
    """An alerter without its loop: what stands on its board, and what receivers saw."""

    @initialize()
    def begin(self) -> None:
        self.now = START
        self.board = Board()
        self.saw: dict[tuple[str, str], list[tuple[int, str]]] = {}
        """What each receiver was sent of each alert, transition and state."""
        self.maybe: set[tuple[str, str]] = set()
        """Receivers and alerts of which it is on record that they were about to be told."""
        self.silences = 0

    def plan(self, now: float | None = None) -> Plan:
        return plan(self.now if now is None else now, self.board, ROUTING)

    @rule(which=alerts, choice=st.integers(0, 1))
    def change(self, which: tuple[str, str], choice: int) -> None:
        name, table = which
        key = fingerprint(name, (("table", table),))
        held = self.board.alerts.get(key)
        after = NEXT[held.state if held else None]
        state = after[choice % len(after)]
        begins = held is None or held.state not in ("pending", "firing")
        active_at = moment(self.now) if begins else held.active_at  # type: ignore[union-attr]
        fired_at = moment(self.now) if state == "firing" else None
        if state == "resolved":
            assert held is not None
            fired_at = held.fired_at
        event = AlertChanged(
            fingerprint=key,
            transition=held.transition + 1 if held else START,
            state=state,
            previous=held.state if held else None,
            rule=name,
            severity=SEVERITIES[name],
            team="t",
            labels={"table": table},
            series={"table": table},
            active_at=active_at,
            fired_at=fired_at,
            resolved_at=moment(self.now) if state == "resolved" else None,
            changed_at=moment(self.now),
        )
        assert merge(self.board, event, own=True)

    @rule(seconds=st.sampled_from([1, 7, 29, 61, 301, 4000]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(which=alerts, seconds=st.sampled_from([50, 500, 5000]), whole=st.booleans())
    def silence(self, which: tuple[str, str], seconds: int, whole: bool) -> None:
        self.silences += 1
        named = Matcher(label="alertname", value=which[0])
        matchers = (named,) if whole else (named, Matcher(label="table", value=which[1]))
        before = self.plan()
        event = AlertSilenced(
            silence_id=str(self.silences),
            matchers=matchers,
            starts_at=moment(self.now),
            ends_at=moment(self.now + seconds),
            actor="maren",
            command_id=str(self.silences),
            silenced_at=moment(self.now),
        )
        assert merge(self.board, event, own=True)
        after = {(each.receiver, each.group): each for each in self.plan().due}
        for each in before.due:
            if not any(matches(matchers, all_labels(alert)) for alert in each.alerts):
                assert after[each.receiver, each.group] == each, "it delays nothing else"

    @rule(which=alerts)
    def acknowledge(self, which: tuple[str, str]) -> None:
        held = self.board.alerts.get(fingerprint(which[0], (("table", which[1]),)))
        if held is None or held.state != "firing":
            return
        event = AlertAcknowledged(
            fingerprint=held.fingerprint,
            active_at=held.active_at,
            actor="maren",
            command_id=f"{held.fingerprint}/{self.now}",
            acknowledged_at=moment(self.now),
        )
        merge(self.board, event, own=True)

    @precondition(lambda self: self.plan().due)
    @rule(
        data=st.data(),
        end=st.sampled_from(["not recorded", "not sent", "recorded"]),
    )
    def tell(
        self, data: st.DataObject, end: Literal["recorded", "not sent", "not recorded"]
    ) -> None:
        self._tell(data.draw(st.sampled_from(self.plan().due)), end)

    def _tell(self, due: Notification, end: str) -> None:
        for telling in due.telling(self.now):
            merge(self.board, telling, own=True)
            self.maybe |= {(due.receiver, each) for each in telling.alerts}
        if end == "not sent":
            return
        for alert in due.alerts:
            saw = self.saw.setdefault((due.receiver, alert.fingerprint), [])
            state = "firing" if alert.state == "firing" else "resolved"
            if state == "resolved":
                assert (due.receiver, alert.fingerprint) in self.maybe, "it was told it fires"
            if saw and end == "recorded":
                assert saw[-1][0] <= alert.transition, "nobody is told the past"
            saw.append((alert.transition, state))
        if end == "recorded":
            for record in due.taken(self.now):
                merge(self.board, record, own=True)
            again = [
                each
                for each in self.plan().due
                if (each.receiver, each.group) == (due.receiver, due.group)
            ]
            assert not again, "nothing is due twice"

    @rule()
    def settle(self) -> None:
        """Nothing happens but time, and receivers take what they are told."""
        until = self.now + LONGEST_S
        while True:
            found = self.plan()
            for each in found.due:
                self._tell(each, "recorded")
            look = self.plan().next_look
            if look is None or look > until:
                break
            assert look > self.now
            self.now = int(-(-look // 1))
        self._require_known()

    def _require_known(self) -> None:
        silencing = Silencing(self.board.silences.values(), self.now)
        inhibiting = Inhibiting(ROUTING.inhibitions, self.board.alerts.values())
        assert ROUTING.root is not None
        for alert in self.board.alerts.values():
            labels = all_labels(alert)
            freed_at = max(silencing.ended_at(labels) or 0, inhibiting.freed_at(labels) or 0)
            if silencing.until(labels) is not None or self.now - freed_at < WAIT_S:
                continue
            fires = alert.state == "firing"
            for receiver in ROUTING.receivers:
                last = self.saw.get((receiver, alert.fingerprint), [(0, "nothing")])[-1]
                if not fires:
                    assert last[1] != "firing", "what is over is told to be over"
            if not fires or inhibiting.inhibits(labels):
                continue
            told = {"watchdog"} if alert.severity == "none" else set()
            if alert.severity != "none":
                told = {each.receiver for each in routes_of(ROUTING.root, labels)}
            for receiver in told:
                last = self.saw[receiver, alert.fingerprint][-1]
                assert last == (alert.transition, "firing"), "what fires is told"

    def teardown(self) -> None:
        if hasattr(self, "board"):
            self.settle()

    @invariant()
    def the_plan_stands_until_the_next_look(self) -> None:
        found = self.plan()
        keys = {each.idempotency_key for each in found.due}
        if found.next_look is not None:
            assert found.next_look > self.now
        until = self.now + 10_000 if found.next_look is None else found.next_look
        for at in (self.now + (until - self.now) / 2, until - 0.001):
            assert {each.idempotency_key for each in self.plan(at).due} == keys

    @invariant()
    def signs_of_life_go_to_those_who_ask(self) -> None:
        for each in self.plan().due:
            of_life = {alert.severity == "none" for alert in each.alerts}
            assert of_life == {each.receiver == "watchdog"}


TestNotifying = Notifying.TestCase
TestNotifying.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
