"""What is to be told of one group, and until when that stands as long as nothing happens."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.alerting.board import Board
from shared.alerting.notifying.composing import composed
from shared.alerting.notifying.explaining import Explaining
from shared.alerting.notifying.gathering import end_of
from shared.alerting.notifying.group import Group, Member
from shared.alerting.notifying.grouping import labels_of_key
from shared.alerting.notifying.notification import Notification
from shared.alerting.notifying.places import SPOKEN, Place
from shared.alerting.notifying.planning import next_of, urgency
from shared.alerting.notifying.records import GroupName, Records
from shared.alerting.notifying.routing import Routing
from shared.alerting.notifying.seating import Seat, end_timing
from shared.contracts.alerts import AlertChanged


@dataclass(slots=True)
class Stand:
    """What was planned of a group.

    Attributes:
        due: what is to be told of it now.
        urgency: of that.
        looks: when there is something else to tell.
        until: when it is to be planned anew.
    """

    due: Notification | None = None
    urgency: tuple[object, ...] = ()
    looks: list[float] = field(default_factory=list)
    until: float = math.inf


@dataclass(frozen=True, slots=True)
class Moment:
    """What all groups have in common at one time."""

    now: float
    board: Board
    routing: Routing
    explaining: Explaining
    places: Mapping[str, Place]

    def stand_of(
        self,
        name: GroupName,
        seated: Mapping[str, Place],
        records: Records,
        tells: Callable[[AlertChanged], bool],
    ) -> Stand:
        """That of one group.

        Args:
            name: which.
            seated: alerts that fire, and that routes lead there.
            records: what its receiver was told.
            tells: which alerts of it are told here.
        """
        stand = Stand()
        group: Group | None = None
        for place in seated.values():
            if tells(place.alert):
                group = self._add(stand, group, name, place, records)
        if records.taken or records.begun:
            group = self._end(stand, group, name, records, tells)
        if group is not None:
            self._next(stand, group)
        return stand

    def _add(
        self, stand: Stand, group: Group | None, name: GroupName, place: Place, records: Records
    ) -> Group | None:
        """An alert that fires."""
        alert = place.alert
        hushed = place.hushed(self.board.silences.values(), self.now)
        if hushed is not SPOKEN:
            stand.until = min(stand.until, hushed.stands_until)
        if hushed.until is not None:
            stand.looks.append(hushed.until)
            return group
        since = max(place.fired_at, hushed.ended_at)
        if place.sides.targets:
            if self.explaining.inhibits(place.sides):
                return group
            since = max(since, self.explaining.freed_at(place.sides))
        acknowledged = (
            alert.fingerprint in self.board.acknowledged
            and self.board.acknowledgement(alert) is not None
        )
        for seat in place.seats[name]:
            if seat.after_s is None:
                group = _at(group, seat, records)
                group.add(place.member(since, acknowledged=acknowledged))
                if since > self.now:
                    stand.until = min(stand.until, since)
            elif not acknowledged:
                at = since + seat.after_s
                if at > self.now:
                    stand.until = min(stand.until, at)
                if at > self.now and not records.is_known(alert):
                    stand.looks.append(at)
                else:
                    group = _at(group, seat, records)
                    group.add(Member(alert, at, escalated=True))
        return group

    def _end(
        self,
        stand: Stand,
        group: Group | None,
        name: GroupName,
        records: Records,
        tells: Callable[[AlertChanged], bool],
    ) -> Group | None:
        """Alerts that are over, and of which the receiver does not know that."""
        receiver, key = name
        if receiver not in self.routing.receivers:
            return group
        for fingerprint, told in records.believed_firing():
            held = self.board.alerts.get(fingerprint)
            if held is None or held.state == "firing" or not tells(held):
                continue
            place = self.places[fingerprint]
            hushed = place.hushed(self.board.silences.values(), self.now)
            stand.until = min(stand.until, hushed.stands_until)
            if hushed.until is not None:
                stand.looks.append(hushed.until)
                continue
            if group is None:
                timing = end_timing(self.routing, place.labels)
                group = _at(None, Seat(receiver, key, labels_of_key(key), timing), records)
            group.ended[fingerprint] = Member(end_of(held, told), self.now)
        return group

    def _next(self, stand: Stand, group: Group) -> None:
        at, members, reason = next_of(group, self.now)
        last = group.records.last_at
        if last is not None and last > self.now:
            stand.until = min(stand.until, last)
        if at is None:
            return
        if at <= self.now:
            stand.due = composed(group, members, reason, self.board)
            stand.urgency = urgency(stand.due)
        else:
            stand.looks.append(at)
            stand.until = min(stand.until, at)


def _at(group: Group | None, seat: Seat, records: Records) -> Group:
    if group is None:
        return Group(seat.receiver, seat.key, seat.labels, seat.timing, records)
    group.timing = group.timing.sooner(seat.timing)
    return group
