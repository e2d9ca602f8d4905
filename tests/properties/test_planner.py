"""The plan by what changed is the plan of the whole board, whatever happens in between."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.alerter.states.merging import forget, merge
from shared.alerting.board import Board
from shared.alerting.lifecycle import fingerprint
from shared.alerting.notifying.notification import Notification
from shared.alerting.notifying.planner import Planner
from shared.alerting.notifying.planning import Plan, plan
from shared.alerting.notifying.routing import Routing
from shared.contracts.alerts import AlertAcknowledged, AlertChanged, AlertSilenced, Matcher
from tests.properties.test_notifying import NEXT, ROUTING, SEVERITIES, START, alerts, moment

OWNED: tuple[Callable[[str], bool], ...] = (
    lambda _name: True,
    {"Late", "Alive", "table=a"}.__contains__,
    {"Down", "Worse", "table=b"}.__contains__,
)
assert ROUTING.root is not None
ROUTINGS = (
    ROUTING,
    Routing(ROUTING.receivers, replace(ROUTING.root, group_by=("...",)), ROUTING.inhibitions),
    Routing(ROUTING.receivers, None, ()),
    Routing({}, ROUTING.root, ROUTING.inhibitions),
)
shares = st.integers(0, len(OWNED) - 1)


class Planning(RuleBasedStateMachine):
    """A board, a planner that is asked after each step, and one that never has the time."""

    @initialize(which=st.sampled_from([0, 0, 0, 1, 2, 3]))
    def begin(self, which: int) -> None:
        self.now = float(START)
        self.board = Board()
        self.routing = ROUTINGS[which]
        self.planner, self.slow = Planner(self.routing), Planner(self.routing)
        self.share, self.cut_off = 0, False
        self.silences: list[AlertSilenced] = []
        self.numbers = itertools.count(START)

    def plan(self) -> Plan:
        return plan(
            self.now, self.board, self.routing, ours=OWNED[self.share], cut_off=self.cut_off
        )

    @rule(which=alerts, choice=st.integers(0, 1), severe=st.booleans())
    def change_one(self, which: tuple[str, str], choice: int, severe: bool) -> None:
        self.change(which, choice, severe=severe)

    def change(self, which: tuple[str, str], choice: int, *, severe: bool) -> None:
        name, table = which
        key = fingerprint(name, (("table", table),))
        held = self.board.alerts.get(key)
        after = NEXT[held.state if held else None]
        state = after[choice % len(after)]
        now = moment(self.now)
        goes_on = held is not None and held.state in ("pending", "firing")
        severity = SEVERITIES[name]
        merge(
            self.board,
            AlertChanged(
                fingerprint=key,
                transition=next(self.numbers),
                state=state,
                rule=name,
                severity="critical" if severe and severity != "none" else severity,
                labels={"table": table},
                active_at=held.active_at if held and goes_on else now,
                fired_at=held.fired_at if held and state == "resolved" else now,
                resolved_at=now if state == "resolved" else None,
                changed_at=now,
            ),
            own=True,
        )

    @rule(seconds=st.sampled_from([1, 7, 29, 61, 301, 4000, -20, -400]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def look(self) -> None:
        """It is as late as the plan said that there is more to tell."""
        self.now = self.plan().next_look or self.now

    @rule(which=alerts, begins=st.sampled_from([0, 0, 50]), lasts=st.sampled_from([50, 500]))
    def silence(self, which: tuple[str, str], begins: int, lasts: int) -> None:
        self._say(
            AlertSilenced(
                silence_id=str(len(self.silences)),
                matchers=(
                    Matcher(label="alertname", value=which[0]),
                    Matcher(label="table", op="=~", value=f"{which[1]}|x"),
                ),
                starts_at=moment(self.now + begins),
                ends_at=moment(self.now + begins + lasts),
                actor="maren",
                command_id="c",
                silenced_at=moment(self.now),
            )
        )

    @rule(data=st.data(), seconds=st.sampled_from([-30, 0, 900]))
    def change_silence(self, data: st.DataObject, seconds: int) -> None:
        if self.silences:
            said = data.draw(st.sampled_from(self.silences))
            ends_at = max(said.starts_at, moment(self.now + seconds))
            self._say(said.model_copy(update={"ends_at": ends_at}))

    def _say(self, silence: AlertSilenced) -> None:
        self.silences = [each for each in self.silences if each.key() != silence.key()]
        self.silences.append(silence)
        self.board.take(silence.key(), silence)

    @rule(which=alerts)
    def acknowledge(self, which: tuple[str, str]) -> None:
        held = self.board.alerts.get(fingerprint(which[0], (("table", which[1]),)))
        if held is not None:
            said = AlertAcknowledged(
                fingerprint=held.fingerprint,
                active_at=held.active_at,
                actor="maren",
                command_id="c",
                acknowledged_at=moment(self.now),
            )
            self.board.take(said.key(), said)

    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        keys = [
            *self.board.alerts,
            *self.board.notified,
            *(each.key() for each in self.board.acknowledged.values()),
            *(each.key() for each in self.board.silences.values()),
        ]
        if keys:
            forget(self.board, data.draw(st.sampled_from(keys)))

    @rule(data=st.data(), taken=st.booleans(), begun=st.booleans())
    def tell(self, data: st.DataObject, taken: bool, begun: bool) -> None:
        due = self.plan().due
        if due:
            self._tell(data.draw(st.sampled_from(due)), taken=taken, begun=begun)

    @rule()
    def tell_all(self) -> None:
        for each in self.plan().due:
            self._tell(each, taken=True, begun=True)

    def _tell(self, due: Notification, *, taken: bool, begun: bool) -> None:
        told = (*(due.telling(self.now) if begun else ()), *(due.taken(self.now) if taken else ()))
        for record in told:
            merge(self.board, record, own=True)

    @rule(share=shares)
    def deal(self, share: int) -> None:
        self.share = share

    @rule()
    def lose_others(self) -> None:
        self.cut_off = not self.cut_off

    @rule(table=st.sampled_from(["a", "b"]))
    def fail(self, table: str) -> None:
        """Much comes at once, and the cause of it."""
        for name in sorted(SEVERITIES):
            self.change((name, table), 1, severe=False)

    @rule()
    def begin_anew(self) -> None:
        self.planner = Planner(self.routing)

    @rule(units=st.integers(1, 4))
    def some_work(self, units: int) -> None:
        self.slow.see(self.now, self.board, OWNED[self.share], cut_off=self.cut_off)
        left = iter(range(units, 0, -1))
        if self.slow.work(lambda: next(left) == 1):
            assert self.slow.planned() == self.plan()

    @invariant()
    def the_plans_are_the_same(self) -> None:
        ours = OWNED[self.share]
        found = self.planner.plan(self.now, self.board, ours, cut_off=self.cut_off)
        assert found == self.plan()


TestPlanning = Planning.TestCase
TestPlanning.settings = settings(max_examples=50, stateful_step_count=50, deadline=None)
