"""Who is told what, and when: the plan of a board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from services.alerter.states.merging import merge
from shared.alerting.board import Board
from shared.alerting.lifecycle import fingerprint
from shared.alerting.notifying.consequences import BUILT_IN
from shared.alerting.notifying.gathering import Ours
from shared.alerting.notifying.inhibition import Inhibition
from shared.alerting.notifying.notification import Notification
from shared.alerting.notifying.planner import Planner
from shared.alerting.notifying.planning import Plan, plan
from shared.alerting.notifying.receiver import Receiver
from shared.alerting.notifying.routing import Escalation, Route, Routing
from shared.contracts.alerts import (
    AlertAcknowledged,
    AlertChanged,
    AlertSilenced,
    AlertState,
    Matcher,
    Severity,
)

T0 = 1_700_000_000
ROUTE = Route(
    "chat", group_by=("alertname",), group_wait_s=10, group_interval_s=60, repeat_interval_s=3600
)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(T0 + seconds, UTC)


def receivers(*names: str, **heartbeats: float) -> dict[str, Receiver]:
    return {
        name: Receiver(name, "webhook", SecretStr("x"), heartbeat_s=heartbeats.get(name))
        for name in (*names, *heartbeats)
    }


def everything(_name: str) -> bool:
    return True


class Desk:
    """A board, and a clock of seconds after :data:`T0`."""

    def __init__(
        self,
        route: Route = ROUTE,
        inhibitions: Sequence[Inhibition] = (),
        **heartbeats: float,
    ) -> None:
        self.board = Board()
        self.routing = Routing(
            receivers("chat", "on-call", "manager", **heartbeats), route, tuple(inhibitions)
        )
        self._planner: Planner | None = None
        self._planned: Routing | None = None

    def alert(
        self,
        at: float,
        state: AlertState,
        rule: str = "Late",
        severity: Severity = "warning",
        **labels: str,
    ) -> AlertChanged:
        """The next change of an alert."""
        key = fingerprint(rule, tuple(sorted(labels.items())))
        held = self.board.alerts.get(key)
        fired = held.fired_at if held and state == "resolved" else moment(at)
        event = AlertChanged(
            fingerprint=key,
            transition=held.transition + 1 if held else T0,
            state=state,
            rule=rule,
            severity=severity,
            team="platform",
            labels=labels,
            series=labels,
            active_at=held.active_at if held and held.state == "firing" else moment(at),
            fired_at=fired if state in ("firing", "resolved") else None,
            resolved_at=moment(at) if state == "resolved" else None,
            changed_at=moment(at),
        )
        merge(self.board, event, own=True)
        return event

    def silence(self, at: float, until: float, **matchers: str) -> None:
        event = AlertSilenced(
            silence_id=str(matchers),
            matchers=tuple(Matcher(label=name, value=each) for name, each in matchers.items()),
            starts_at=moment(at),
            ends_at=moment(until),
            actor="maren",
            command_id=f"{at}",
            silenced_at=moment(at),
        )
        merge(self.board, event, own=True)

    def acknowledge(self, alert: AlertChanged, at: float) -> None:
        event = AlertAcknowledged(
            fingerprint=alert.fingerprint,
            active_at=alert.active_at,
            actor="maren",
            command_id=f"{at}",
            acknowledged_at=moment(at),
        )
        merge(self.board, event, own=True)

    def plan(self, at: float, ours: Ours = everything, *, cut_off: bool = False) -> Plan:
        """Of the whole board, and by what changed since the last time: the same."""
        found = plan(T0 + at, self.board, self.routing, ours=ours, cut_off=cut_off)
        if self._planner is None or self._planned is not self.routing:
            self._planner, self._planned = Planner(self.routing), self.routing
        assert self._planner.plan(T0 + at, self.board, ours, cut_off=cut_off) == found
        return found

    def due(self, at: float) -> tuple[Notification, ...]:
        return self.plan(at).due

    def next_look(self, at: float) -> float | None:
        look = self.plan(at).next_look
        return None if look is None else look - T0

    def tell(self, at: float) -> list[str]:
        """What is due is taken; in words."""
        due = self.due(at)
        for each in due:
            for record in each.taken(T0 + at):
                merge(self.board, record, own=True)
        return [
            f"{each.receiver}: {each.reason} "
            + " ".join(
                f"{alert.rule}{''.join(alert.labels.values())}-{alert.state}"
                for alert in each.alerts
            )
            for each in due
        ]


def test_a_new_group_waits_for_company() -> None:
    desk = Desk()
    desk.alert(0, "firing", table="a")
    assert (desk.tell(9), desk.next_look(9)) == ([], 10)
    desk.alert(5, "firing", table="b")
    desk.alert(5, "pending", table="c")
    assert desk.tell(10) == ["chat: changed Latea-firing Lateb-firing"]
    assert (desk.tell(11), desk.next_look(11)) == ([], 3610)


def test_a_group_that_was_told_is_told_again_after_an_interval_of_what_is_new() -> None:
    desk = Desk()
    desk.alert(0, "firing", table="a")
    desk.tell(10)
    desk.alert(20, "firing", table="b")
    assert (desk.tell(69), desk.next_look(69)) == ([], 70)
    assert desk.tell(70) == ["chat: changed Latea-firing Lateb-firing"]
    desk.alert(200, "resolved", table="a")
    assert desk.tell(200) == ["chat: changed Lateb-firing Latea-resolved"]
    desk.alert(210, "resolved", table="b")
    assert desk.tell(260) == ["chat: changed Lateb-resolved"]
    assert desk.next_look(260) is None


def test_worst_comes_first_and_ends_come_last() -> None:
    desk = Desk(replace(ROUTE, group_by=()))
    desk.alert(0, "firing", "Info", "info")
    desk.alert(1, "firing", "Bad", "critical")
    desk.alert(2, "firing", "Over", "critical")
    desk.tell(10)
    desk.alert(80, "resolved", "Over", "critical")
    desk.alert(81, "firing", "Warning", "warning")
    assert desk.tell(81) == ["chat: changed Bad-firing Warning-firing Info-firing Over-resolved"]


def test_the_group_with_the_worst_is_told_first() -> None:
    desk = Desk(replace(ROUTE, group_by=("...",)))
    desk.alert(0, "firing", "Over", "critical")
    desk.tell(10)
    desk.alert(20, "firing", "Info", "info")
    desk.alert(80, "resolved", "Over", "critical")
    desk.alert(30, "firing", "Bad", "critical")
    desk.alert(25, "firing", "Worse", "critical")
    assert [each.split()[2] for each in desk.tell(90)] == [
        *("Worse-firing", "Bad-firing", "Info-firing", "Over-resolved")
    ]


def test_what_nobody_was_told_to_fire_nobody_is_told_to_be_over() -> None:
    desk = Desk()
    desk.alert(0, "firing")
    desk.alert(5, "resolved")
    assert (desk.tell(5), desk.next_look(5)) == ([], None)


def test_what_may_have_been_told_to_fire_is_told_to_be_over() -> None:
    desk = Desk()
    desk.alert(0, "firing")
    (due,) = desk.due(10)
    (telling,) = due.telling(T0 + 10)
    merge(desk.board, telling, own=True)
    (again,) = desk.due(11)
    assert again.idempotency_key == due.idempotency_key
    assert again.telling(T0 + 11) == (), "it is on record"
    desk.alert(20, "resolved")
    assert desk.tell(20) == ["chat: changed Late-resolved"]
    assert desk.tell(100) == []


def test_an_end_that_was_not_told_before_the_next_beginning_is_not_lost() -> None:
    desk = Desk()
    first = desk.alert(0, "firing")
    desk.tell(10)
    desk.alert(100, "resolved")
    desk.alert(110, "pending")
    (due,) = desk.due(110)
    (end,) = due.alerts
    assert (end.state, end.transition) == ("resolved", first.transition + 1)
    assert end.resolved_at == moment(110)
    desk.tell(110)
    desk.alert(120, "firing")
    assert desk.tell(170) == ["chat: changed Late-firing"]


def test_a_group_of_which_nothing_is_new_is_repeated_under_a_key_of_its_own() -> None:
    desk = Desk()
    desk.alert(0, "firing")
    keys = [each.idempotency_key for each in desk.due(10)]
    desk.tell(10)
    for number in range(1, 4):
        at = 10 + 3600 * number
        assert desk.due(at - 1) == ()
        (due,) = desk.due(at)
        assert (due.reason, due.repeat) == ("repeated", number)
        keys.append(due.idempotency_key)
        assert desk.due(at + 5)[0].idempotency_key == due.idempotency_key
        desk.tell(at)
    assert len(set(keys)) == 4


def test_acknowledged_alerts_are_not_repeated_and_their_end_is_told() -> None:
    desk = Desk()
    taken = desk.alert(0, "firing", table="a")
    desk.alert(0, "firing", table="b")
    desk.tell(10)
    desk.acknowledge(taken, 50)
    assert desk.tell(3610) == ["chat: repeated Lateb-firing"]
    desk.alert(3700, "resolved", table="b")
    assert desk.tell(3700) == ["chat: changed Latea-firing Lateb-resolved"]
    assert desk.next_look(3700) is None
    desk.alert(9000, "resolved", table="a")
    assert desk.tell(9000) == ["chat: changed Latea-resolved"]


def test_what_nobody_acknowledges_escalates_and_its_end_is_told_there_too() -> None:
    desk = Desk(replace(ROUTE, escalations=(Escalation(300, "manager"),)))
    desk.alert(0, "firing")
    desk.tell(10)
    assert (desk.tell(299), desk.next_look(299)) == ([], 300)
    assert desk.tell(300) == ["manager: escalated Late-firing"]
    desk.alert(400, "resolved")
    assert desk.tell(400) == ["chat: changed Late-resolved", "manager: changed Late-resolved"]


def test_an_acknowledgement_stops_escalation_but_not_that_of_the_next_activity() -> None:
    desk = Desk(replace(ROUTE, escalations=(Escalation(300, "manager"),)))
    desk.acknowledge(desk.alert(0, "firing"), 200)
    desk.tell(10)
    assert desk.tell(400) == []
    desk.alert(500, "resolved")
    desk.alert(600, "firing")
    desk.tell(610)
    assert desk.tell(900) == ["manager: escalated Late-firing"]


def test_nothing_is_told_while_it_is_silenced_ends_included() -> None:
    desk = Desk()
    desk.alert(0, "firing", table="a")
    desk.tell(10)
    desk.silence(20, 500, alertname="Late")
    desk.alert(30, "firing", table="b")
    desk.alert(200, "resolved", table="a")
    assert (desk.tell(499), desk.next_look(499)) == ([], 500)
    assert desk.tell(510) == ["chat: changed Lateb-firing Latea-resolved"]


def test_what_is_silenced_from_beginning_to_end_is_told_nobody() -> None:
    desk = Desk()
    desk.silence(0, 500, alertname="Late", table="a")
    desk.alert(10, "firing", table="a")
    desk.alert(100, "resolved", table="a")
    assert (desk.tell(900), desk.next_look(100)) == ([], None)


CAUSE = Inhibition(
    (Matcher(label="alertname", value="Down"),),
    (Matcher(label="alertname", op="=~", value="Late|Down"),),
    ("host",),
)


def test_what_another_alert_explains_is_told_when_that_is_over() -> None:
    desk = Desk(replace(ROUTE, group_by=("alertname", "host")), [CAUSE])
    desk.alert(0, "firing", "Down", host="x")
    desk.alert(0, "firing", "Late", host="x")
    desk.alert(0, "firing", "Late", host="y")
    assert sorted(desk.tell(10)) == ["chat: changed Downx-firing", "chat: changed Latey-firing"]
    desk.alert(100, "resolved", "Down", host="x")
    assert desk.tell(100) == ["chat: changed Downx-resolved"]
    assert desk.next_look(100) == 110, "what it explained may end as well by then"
    assert desk.tell(110) == ["chat: changed Latex-firing"]


def test_what_may_be_explained_within_a_minute_waits_for_it() -> None:
    """Builds fail within seconds of a store that is gone, which is said after a minute of it."""
    desk = Desk(inhibitions=BUILT_IN)
    desk.alert(0, "pending", "MinIODown", "critical")
    desk.alert(2, "firing", "PipelineFailure", "critical", target="marts.sales")
    assert (desk.tell(30), desk.tell(59)) == ([], [])
    desk.alert(60, "firing", "MinIODown", "critical")
    assert desk.tell(70) == ["chat: changed MinIODown-firing"]
    desk.alert(900, "resolved", "MinIODown", "critical")
    desk.alert(905, "resolved", "PipelineFailure", "critical", target="marts.sales")
    assert desk.tell(910) == ["chat: changed MinIODown-resolved"]


def test_what_was_explained_by_nothing_in_the_end_is_told() -> None:
    desk = Desk(inhibitions=BUILT_IN)
    desk.alert(0, "pending", "MinIODown", "critical")
    desk.alert(2, "firing", "PipelineFailure", "critical", target="marts.sales")
    desk.alert(20, "inactive", "MinIODown", "critical")
    assert (desk.tell(29), desk.next_look(29)) == ([], 30)
    assert desk.tell(30) == ["chat: changed PipelineFailuremarts.sales-firing"]


def test_an_explanation_that_comes_late_takes_back_what_is_due() -> None:
    desk = Desk(replace(ROUTE, group_by=("alertname", "host")), [CAUSE])
    desk.alert(0, "firing", "Late", host="x")
    assert [each.group for each in desk.due(10)] == ["alertname=Late,host=x"]
    desk.alert(11, "firing", "Down", host="y")
    assert [each.group for each in desk.due(12)] == ["alertname=Late,host=x"], "of another host"
    desk.alert(13, "firing", "Down", host="x")
    assert desk.due(14) == ()
    desk.alert(15, "resolved", "Down", host="x")
    assert {each.group for each in desk.due(25)} == {
        *("alertname=Down,host=y", "alertname=Late,host=x")
    }


def test_a_silence_counts_from_its_beginning_to_its_end() -> None:
    desk = Desk()
    desk.alert(0, "firing", table="a")
    assert len(desk.due(10)) == 1
    desk.silence(20, 50, alertname="Late", table="a")
    assert [len(desk.due(at)) for at in (19, 20, 49, 50, 60)] == [1, 0, 0, 0, 1]
    assert desk.next_look(49) == 50


def test_the_end_of_what_was_told_needs_no_explanation() -> None:
    desk = Desk(replace(ROUTE, group_by=("alertname", "host")), [CAUSE])
    desk.alert(0, "firing", "Late", host="x")
    desk.tell(10)
    desk.alert(100, "firing", "Down", host="x")
    desk.alert(120, "resolved", "Late", host="x")
    assert "chat: changed Latex-resolved" in desk.tell(120)


def test_the_first_route_that_matches_is_taken_and_those_after_it_if_it_continues() -> None:
    critical = Route("on-call", (Matcher(label="severity", value="critical"),), group_wait_s=0)
    late = Route("manager", (Matcher(label="alertname", value="Late"),), group_wait_s=0)
    for continues, told in ((False, {"on-call"}), (True, {"on-call", "manager"})):
        tree = replace(ROUTE, routes=(replace(critical, continues=continues), late))
        desk = Desk(tree)
        desk.alert(0, "firing", "Late", "critical")
        desk.alert(0, "firing", "Other", "info")
        assert {each.receiver for each in desk.due(0)} == told
        assert {each.receiver for each in desk.due(10)} == {*told, "chat"}


def test_signs_of_life_are_repeated_to_those_who_ask_and_told_nobody_else() -> None:
    desk = Desk(watchdog=30)
    desk.alert(0, "firing", "Alive", "none")
    told = [desk.tell(at) for at in (0, 29, 30, 59, 60)]
    assert told == [
        ["watchdog: changed Alive-firing"],
        [],
        ["watchdog: repeated Alive-firing"],
        [],
        ["watchdog: repeated Alive-firing"],
    ]


def test_an_end_is_told_where_the_beginning_was_whatever_routes_say_by_now() -> None:
    desk = Desk()
    desk.alert(0, "firing")
    desk.tell(10)
    desk.routing = replace(desk.routing, root=replace(ROUTE, receiver="on-call"))
    desk.tell(20)
    desk.alert(100, "resolved")
    assert sorted(desk.tell(100)) == [
        "chat: changed Late-resolved",
        "on-call: changed Late-resolved",
    ]


def test_groups_of_others_are_theirs_to_tell() -> None:
    desk = Desk(replace(ROUTE, group_by=("alertname", "host")), [CAUSE])
    desk.alert(0, "firing", "Down", host="x")
    desk.alert(0, "firing", "Late", host="x")
    desk.alert(0, "firing", "Late", host="y")
    assert len(desk.due(10)) == 2, "what Down explains is not told"
    found = desk.plan(10, {"Late"}.__contains__)
    assert [each.group for each in found.due] == ["alertname=Late,host=y"]


def test_a_group_of_rules_of_several_alerters_is_told_whole_by_one_of_them() -> None:
    desk = Desk(replace(ROUTE, group_by=("host",)))
    desk.alert(0, "firing", "Down", host="x")
    desk.alert(0, "firing", "Late", host="x")
    one, other = {"Down", "host=x"}.__contains__, {"Late"}.__contains__
    assert desk.plan(10, other) == Plan((), None)
    (due,) = desk.plan(10, one).due
    assert {each.rule for each in due.alerts} == {"Down", "Late"}
    for record in due.taken(T0 + 10):
        merge(desk.board, record, own=True)
    desk.alert(100, "resolved", "Late", host="x")
    assert desk.plan(100, other) == Plan((), None)
    (due,) = desk.plan(100, one).due
    assert (due.status, len(due.alerts)) == ("firing", 2), "the other one fires yet"


def test_an_alerter_that_others_do_not_hear_tells_of_its_alerts_itself() -> None:
    desk = Desk(replace(ROUTE, group_by=("host",)))
    desk.alert(0, "firing", "Down", host="x")
    desk.alert(0, "firing", "Late", host="x")
    late = {"Late"}.__contains__
    assert desk.due(10), "it knows all"
    assert desk.plan(10, late).due == ()
    found = desk.plan(10, late, cut_off=True)
    assert [[each.rule for each in due.alerts] for due in found.due] == [["Late"]]


@pytest.mark.parametrize("group_by", [(), ("alertname", "nothing"), ("...",)])
def test_groups_are_named_by_their_labels(group_by: tuple[str, ...]) -> None:
    desk = Desk(replace(ROUTE, group_by=group_by))
    desk.alert(0, "firing", table="a,b\\=c")
    (due,) = desk.due(10)
    assert (
        due.group
        == {
            (): "",
            ("alertname", "nothing"): "alertname=Late",
            ("...",): "alertname=Late,severity=warning,table=a\\,b\\\\=c,team=platform",
        }[group_by]
    )
    desk.tell(10)
    desk.alert(100, "resolved", table="a,b\\=c")
    (end,) = desk.due(100)
    assert (end.group, end.group_labels) == (due.group, due.group_labels)


def test_without_receivers_nothing_is_planned() -> None:
    desk = Desk()
    desk.alert(0, "firing")
    desk.routing = Routing({}, None, ())
    assert plan(T0 + 100, desk.board, desk.routing) == plan(T0, Board(), desk.routing)


def test_a_clock_that_is_set_back_holds_up_nothing_new() -> None:
    desk = Desk()
    desk.alert(3600, "firing", table="a")
    desk.alert(3600, "firing", "Other")
    assert desk.tell(3610) == ["chat: changed Latea-firing", "chat: changed Other-firing"]
    # It was an hour ahead.
    desk.alert(20, "resolved", table="a")
    assert desk.tell(20) == ["chat: changed Latea-resolved"]
    assert desk.tell(20) == [], "and is told once"
    desk.alert(3610, "firing", "Third")
    assert desk.tell(21) == ["chat: changed Third-firing"]
    desk.alert(30, "firing", table="b")
    assert desk.tell(30) == [], "intervals are kept again"
    assert desk.tell(80) == ["chat: changed Lateb-firing"]
