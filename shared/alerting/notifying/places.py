"""Alerts as planning needs them: what follows from one alert, a silence and the routes alone.

It is found once for each change of an alert, not for each look at the board.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from shared.alerting.events import all_labels
from shared.alerting.matchers import matches
from shared.alerting.notifying.by_labels import ByLabels
from shared.alerting.notifying.explaining import Explaining, Sides
from shared.alerting.notifying.group import Member
from shared.alerting.notifying.records import GroupName
from shared.alerting.notifying.routing import Routing
from shared.alerting.notifying.seating import Seat, labels_read, seats
from shared.contracts.alerts import AlertChanged, AlertSilenced

Seats = Mapping[GroupName, tuple[Seat, ...]]
_NO_SEATS: Seats = {}


@dataclass(frozen=True, slots=True)
class Hush:
    """What silences make of an alert at a time.

    Attributes:
        until: when the last of those ends that count; ``None``: none does.
        ended_at: when the last ended that counted; 0: none did.
        stands_until: when it will be otherwise.
    """

    until: float | None = None
    ended_at: float = 0.0
    stands_until: float = math.inf


SPOKEN = Hush()
"""Of an alert that no silence matches."""


def hush(silences: Iterable[AlertSilenced], now: float) -> Hush:
    """Of those that match an alert; :class:`~.silencing.Silencing` says the same."""
    until, ended_at, stands_until = None, 0.0, math.inf
    for each in silences:
        starts, ends = each.starts_at.timestamp(), each.ends_at.timestamp()
        if starts > now:
            stands_until = min(stands_until, starts)
        elif ends > now:
            until = max(until or ends, ends)
            stands_until = min(stands_until, ends)
        elif starts < ends:
            ended_at = max(ended_at, ends)
    return Hush(until, ended_at, stands_until)


@dataclass(slots=True)
class Place:
    """Where an alert stands.

    Attributes:
        alert: as it stands.
        labels: all of its labels.
        sides: where it stands in inhibitions.
        seats: by group; none unless it fires.
        silences: those that match, whenever they are; ``None``: nobody asked yet.
        fired_at: since when it fires, seconds since the epoch.
    """

    alert: AlertChanged
    labels: Mapping[str, str]
    sides: Sides
    seats: Seats
    silences: tuple[AlertSilenced, ...] | None
    fired_at: float
    _member: Member | None = None

    def member(self, since: float, *, acknowledged: bool) -> Member:
        """As a member of its groups; the same one as long as it is the same."""
        made = self._member
        if made is None or made.since != since or made.acknowledged is not acknowledged:
            made = self._member = Member(self.alert, since, acknowledged=acknowledged)
        return made

    def hush(self, silence_id: str, silence: AlertSilenced | None) -> bool:
        """A silence is another one by now, or there no more; whether that concerns this alert."""
        if self.silences is None:
            return False
        kept = tuple(each for each in self.silences if each.silence_id != silence_id)
        concerned = len(kept) < len(self.silences)
        if silence is not None and matches(silence.matchers, self.labels):
            kept, concerned = (*kept, silence), True
        self.silences = kept
        return concerned

    def hushed(self, silences: Iterable[AlertSilenced], now: float) -> Hush:
        """What silences make of it at a time: these, of which it finds those that match."""
        if self.silences is None:
            self.silences = matching(silences, self.labels)
        return hush(self.silences, now) if self.silences else SPOKEN


def matching(
    silences: Iterable[AlertSilenced], labels: Mapping[str, str]
) -> tuple[AlertSilenced, ...]:
    """Those that match these labels, whenever they are."""
    return tuple(each for each in silences if matches(each.matchers, labels))


class Places:
    """Makes them, for one routing."""

    def __init__(self, routing: Routing, explaining: Explaining) -> None:
        self._routing = routing
        self._explaining = explaining
        self._seats: Callable[[Mapping[str, str]], Seats] = ByLabels(
            labels_read(routing), self._seats_of
        )
        self.under(())

    def under(self, silences: Collection[AlertSilenced]) -> None:
        """Those that are made from now on are under these silences."""
        names = {each.label for silence in silences for each in silence.matchers}
        kept = tuple(silences)
        self._silences = ByLabels(names, lambda labels: matching(kept, labels))

    def of(self, alert: AlertChanged) -> Place:
        """That of an alert."""
        labels = all_labels(alert)
        fires = alert.state == "firing"
        return Place(
            alert,
            labels,
            self._explaining.sides(labels),
            self._seats(labels) if fires else _NO_SEATS,
            self._silences(labels) if fires else None,
            (alert.fired_at or alert.changed_at).timestamp(),
        )

    def _seats_of(self, labels: Mapping[str, str]) -> Seats:
        found: dict[GroupName, list[Seat]] = {}
        for each in seats(self._routing, labels):
            found.setdefault((each.receiver, each.key), []).append(each)
        return {name: tuple(of_one) for name, of_one in found.items()}
