"""Which alerts belong to which groups now: those that fire by routes, ends by who was told.

The stages in order: silencing and inhibition mute, routing, escalation and grouping place. Where
something waits for nothing but time, that time is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.alerting.board import Board
from shared.alerting.events import all_labels
from shared.alerting.notifying.escalation import escalated
from shared.alerting.notifying.group import Group, Member, Timing
from shared.alerting.notifying.grouping import group_key, group_labels, labels_of_key
from shared.alerting.notifying.inhibition import Inhibiting
from shared.alerting.notifying.records import AllRecords
from shared.alerting.notifying.routing import Routing, routes_of
from shared.alerting.notifying.silencing import Silencing
from shared.contracts.alerts import AlertChanged, NotifiedAlert

HEARTBEAT_BY = ("alertname",)


class Gathering:
    """Groups of the alerts on a board.

    Args:
        now: seconds since the epoch.
        board: alerts, records, silences, acknowledgements.
        routing: who is told what.
        mine: whether an alert is this alerter's to tell; all others inhibit only.
    """

    def __init__(
        self,
        now: float,
        board: Board,
        routing: Routing,
        mine: Callable[[AlertChanged], bool],
    ) -> None:
        self.groups: dict[tuple[str, str], Group] = {}
        self.looks: list[float] = []
        """Times after now at which there will be something else to tell."""
        self._now = now
        self._board = board
        self._routing = routing
        self._records = AllRecords.of(board.notified)
        self._silencing = Silencing(board.silences.values(), now)
        self._inhibiting = Inhibiting(routing.inhibitions, board.alerts.values())
        for alert in board.alerts.values():
            if alert.state == "firing" and mine(alert):
                self._place(alert)
        for (receiver, key), records in self._records.by_group.items():
            if receiver not in routing.receivers:
                continue
            for fingerprint, told in records.believed_firing():
                held = board.alerts.get(fingerprint)
                if held is not None and held.state != "firing" and mine(held):
                    self._end(receiver, key, held, told)

    def _place(self, alert: AlertChanged) -> None:
        labels = all_labels(alert)
        until = self._silencing.until(labels)
        if until is not None:
            self.looks.append(until)
            return
        if self._inhibiting.inhibits(labels):
            return
        # Muted until just now, it waits with its group as if it had begun just now.
        since = max(
            (alert.fired_at or alert.changed_at).timestamp(),
            self._silencing.ended_at(labels) or 0.0,
            self._inhibiting.freed_at(labels) or 0.0,
        )
        if alert.severity == "none":
            self._place_heartbeat(alert, labels, since)
        else:
            self._place_by_routes(alert, labels, since)

    def _place_heartbeat(
        self, alert: AlertChanged, labels: Mapping[str, str], since: float
    ) -> None:
        shared = group_labels(HEARTBEAT_BY, labels)
        for receiver in self._routing.receivers.values():
            if receiver.heartbeat_s is not None:
                timing = Timing(0.0, 0.0, receiver.heartbeat_s)
                self._group(receiver.name, shared, timing).add(Member(alert, since))

    def _place_by_routes(
        self, alert: AlertChanged, labels: Mapping[str, str], since: float
    ) -> None:
        if self._routing.root is None:
            return
        acknowledged = self._board.acknowledgement(alert) is not None
        for route in routes_of(self._routing.root, labels):
            shared = group_labels(route.group_by, labels)
            timing = Timing.of(route)
            self._group(route.receiver, shared, timing).add(
                Member(alert, since, acknowledged=acknowledged)
            )
            for step, at in escalated(alert, route.escalations, since, self._board):
                known = self._records.get(step.receiver, group_key(shared)).is_known(alert)
                if at > self._now and not known:
                    self.looks.append(at)
                    continue
                self._group(step.receiver, shared, timing).add(Member(alert, at, escalated=True))

    def _end(self, receiver: str, key: str, held: AlertChanged, told: NotifiedAlert) -> None:
        until = self._silencing.until(all_labels(held))
        if until is not None:
            self.looks.append(until)
            return
        group = self.groups.get((receiver, key))
        if group is None:
            group = self._group(receiver, labels_of_key(key), self._timing(held))
        group.ended[held.fingerprint] = Member(_end_of(held, told), self._now)

    def _timing(self, alert: AlertChanged) -> Timing:
        """How soon an end is told: the routes may be others by now than when it began."""
        if self._routing.root is None or alert.severity == "none":
            return Timing(0.0, 0.0, 0.0)
        routes = routes_of(self._routing.root, all_labels(alert))
        timing = Timing.of(routes[0] if routes else self._routing.root)
        for route in routes[1:]:
            timing = timing.sooner(Timing.of(route))
        return timing

    def _group(self, receiver: str, labels: Mapping[str, str], timing: Timing) -> Group:
        key = group_key(labels)
        group = self.groups.get((receiver, key))
        if group is None:
            records = self._records.get(receiver, key)
            group = Group(receiver, key, labels, timing, records)
            self.groups[receiver, key] = group
        group.timing = group.timing.sooner(timing)
        return group


def _end_of(held: AlertChanged, told: NotifiedAlert) -> AlertChanged:
    """The end of what was told to fire; its alert may have gone on since."""
    if held.state == "resolved":
        return held
    # It is active anew, and not firing yet, or was. What was told ended with the next transition.
    return held.model_copy(
        update={
            "state": "resolved",
            "previous": "firing",
            "transition": told.transition + 1,
            "ended_by": "condition_false",
            "fired_at": None,
            "resolved_at": held.active_at,
            "changed_at": held.active_at,
        }
    )
