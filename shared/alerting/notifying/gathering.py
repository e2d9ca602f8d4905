"""Which alerts belong to which groups now: those that fire by routes, ends by who was told.

The stages in order: routing and grouping place, silencing and inhibition mute, escalation adds.
Where something waits for nothing but time, that time is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.alerting.board import Board
from shared.alerting.events import all_labels
from shared.alerting.notifying.group import Group, Member
from shared.alerting.notifying.grouping import labels_of_key, teller_of
from shared.alerting.notifying.inhibition import Inhibiting
from shared.alerting.notifying.records import NOBODY_TOLD, GroupName, by_group
from shared.alerting.notifying.routing import Routing
from shared.alerting.notifying.seating import Seat, end_timing, seats
from shared.alerting.notifying.silencing import Silencing
from shared.contracts.alerts import AlertChanged, NotifiedAlert

Ours = Callable[[str], bool]
"""Whether what is dealt by a name, of a rule or of a group, is this alerter's."""


class Gathering:
    """Groups of the alerts on a board.

    Args:
        now: seconds since the epoch.
        board: alerts, records, silences, acknowledgements.
        routing: who is told what.
        ours: which groups this alerter tells.
        cut_off: others do not hear of its alerts, so it tells of them in the groups of others, too.
    """

    def __init__(
        self, now: float, board: Board, routing: Routing, ours: Ours, *, cut_off: bool = False
    ) -> None:
        self.groups: dict[GroupName, Group] = {}
        self.looks: list[float] = []
        """Times after now at which there will be something else to tell."""
        self._now = now
        self._board = board
        self._routing = routing
        self._ours = ours
        self._cut_off = cut_off
        self._records = by_group(board.notified.values())
        self._silencing = Silencing(board.silences.values(), now)
        self._inhibiting = Inhibiting(routing.inhibitions, board.alerts.values())
        for alert in board.alerts.values():
            if alert.state == "firing":
                self._place(alert)
        for (receiver, key), records in self._records.items():
            if receiver not in routing.receivers:
                continue
            for fingerprint, told in records.believed_firing():
                held = board.alerts.get(fingerprint)
                if held is not None and held.state != "firing":
                    self._end(receiver, key, held, told)

    def _place(self, alert: AlertChanged) -> None:
        labels = all_labels(alert)
        places = [each for each in seats(self._routing, labels) if self._tells(alert, each.labels)]
        if not places:
            return
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
        acknowledged = self._board.acknowledgement(alert) is not None
        for seat in places:
            if seat.after_s is None:
                self._group(seat).add(Member(alert, since, acknowledged=acknowledged))
            elif not acknowledged:
                self._escalate(alert, seat, since + seat.after_s)

    def _escalate(self, alert: AlertChanged, seat: Seat, at: float) -> None:
        """Somebody else is told, too, unless it is acknowledged until then."""
        records = self._records.get((seat.receiver, seat.key), NOBODY_TOLD)
        if at > self._now and not records.is_known(alert):
            self.looks.append(at)
        else:
            self._group(seat).add(Member(alert, at, escalated=True))

    def _end(self, receiver: str, key: str, held: AlertChanged, told: NotifiedAlert) -> None:
        shared = labels_of_key(key)
        if not self._tells(held, shared):
            return
        labels = all_labels(held)
        until = self._silencing.until(labels)
        if until is not None:
            self.looks.append(until)
            return
        group = self.groups.get((receiver, key))
        if group is None:
            group = self._group(Seat(receiver, key, shared, end_timing(self._routing, labels)))
        group.ended[held.fingerprint] = Member(end_of(held, told), self._now)

    def _tells(self, alert: AlertChanged, shared: Mapping[str, str]) -> bool:
        return self._ours(teller_of(shared)) or (self._cut_off and self._ours(alert.rule))

    def _group(self, seat: Seat) -> Group:
        name = seat.receiver, seat.key
        group = self.groups.get(name)
        if group is None:
            records = self._records.get(name, NOBODY_TOLD)
            group = Group(seat.receiver, seat.key, seat.labels, seat.timing, records)
            self.groups[name] = group
        group.timing = group.timing.sooner(seat.timing)
        return group


def end_of(held: AlertChanged, told: NotifiedAlert) -> AlertChanged:
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
