"""The plan of a board that changes little: :func:`~.planning.plan` by what changed.

What was planned of a group stands until one of its alerts, its records, or what mutes them is
another one, or until a time that is known. Boards hold immutable events, so what changed is found
by comparing identities: nobody has to say so, and nothing can be missed.

Finding that takes a moment for thousands of alerts; all else is work in small pieces, between which
the caller may do something else, as the board may change::

    planner.see(now, board, ours)
    while not planner.work(enough):     # some of it
        …                               # something else
        planner.see(now, board, ours)
    planner.planned()
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from typing import TypeVar

from shared.alerting.board import Board
from shared.alerting.notifying.differing import differing
from shared.alerting.notifying.explaining import NO_SIDES, Explained, Explaining
from shared.alerting.notifying.gathering import Ours
from shared.alerting.notifying.grouping import labels_of_key, teller_of
from shared.alerting.notifying.places import Place, Places
from shared.alerting.notifying.planning import Plan
from shared.alerting.notifying.records import GroupName, Records
from shared.alerting.notifying.routing import Routing
from shared.alerting.notifying.standing import Moment, Stand
from shared.contracts.alerts import AlertChanged, AlertNotified, AlertSilenced

_K = TypeVar("_K")
_L = TypeVar("_L")
_V = TypeVar("_V")


def _never() -> bool:
    return False


def _nothing(_name: str) -> bool:
    return False


class Planner:
    """Plans for one routing."""

    def __init__(self, routing: Routing) -> None:
        self._explaining = Explaining(routing.inhibitions)
        self._make = Places(routing, self._explaining)
        self._places: dict[str, Place] = {}
        self._moment = Moment(0.0, Board(), routing, self._explaining, self._places)
        self._ours: Ours = _nothing
        self._cut_off = False
        self._owned: dict[str, bool] = {}
        self._seen = Board()
        # What was seen to be another one, and is not worked in yet.
        self._alerts: dict[str, AlertChanged | None] = {}
        self._silences: dict[str, AlertSilenced | None] = {}
        self._notified: dict[str, AlertNotified | None] = {}
        self._groups: dict[GroupName, None] = {}
        # What was worked in, and by what it is found.
        self._explained: dict[Explained, dict[str, Place]] = {}
        self._seated: dict[GroupName, dict[str, Place]] = {}
        self._recorded: dict[str, AlertNotified] = {}
        self._records: dict[GroupName, dict[str, AlertNotified]] = {}
        self._mentions: dict[str, dict[GroupName, None]] = {}
        self._stands: dict[GroupName, Stand] = {}

    def plan(self, now: float, board: Board, ours: Ours, *, cut_off: bool = False) -> Plan:
        """As :func:`~.planning.plan`, all at once."""
        self.see(now, board, ours, cut_off=cut_off)
        self.work()
        return self.planned()

    def see(self, now: float, board: Board, ours: Ours, *, cut_off: bool = False) -> None:
        """What is so now. As of :func:`~.planning.plan`; ``ours`` must not equal that of before
        unless it says the same."""
        if now < self._moment.now or (ours, cut_off) != (self._ours, self._cut_off):
            self._owned.clear()
            self._groups |= dict.fromkeys([*self._seated, *self._records])
        self._ours, self._cut_off = ours, cut_off
        self._moment = replace(self._moment, now=now, board=board)
        for name, stand in self._stands.items():
            if stand.until <= now:
                self._groups[name] = None
        alerts = differing(self._seen.alerts, board.alerts)
        silences = differing(self._seen.silences, board.silences)
        notified = differing(self._seen.notified, board.notified)
        self._alerts |= alerts
        self._silences |= silences
        if silences:
            self._make.under(self._seen.silences.values())
        self._notified |= notified
        for fingerprint in differing(self._seen.acknowledged, board.acknowledged):
            self._concern(fingerprint)

    def work(self, enough: Callable[[], bool] = _never) -> bool:
        """Work in what was seen, until ``enough``; whether all of it is."""
        while self._silences:  # before alerts, as these are placed under them
            self._hush(*self._silences.popitem())
            if enough():
                return False
        while self._alerts:
            self._move(*self._alerts.popitem())
            if enough():
                return False
        for explained in self._explaining.news():
            for place in self._explained.get(explained, {}).values():
                self._groups |= dict.fromkeys(place.seats)
        while self._notified:
            self._record(*self._notified.popitem())
            if enough():
                return False
        while self._groups:
            self._stand(self._groups.popitem()[0])
            if enough():
                return not self._groups
        return True

    def planned(self) -> Plan:
        """What is to be told; to be asked when all is worked in."""
        if not self._moment.routing.receivers:
            return Plan((), None)
        stands = self._stands.values()
        due = sorted((each for each in stands if each.due is not None), key=attrgetter("urgency"))
        looks = [at for each in stands for at in each.looks]
        return Plan(
            tuple(each.due for each in due if each.due is not None), min(looks, default=None)
        )

    def _move(self, fingerprint: str, alert: AlertChanged | None) -> None:
        """An alert is another one by now, or there no more."""
        before = self._places.pop(fingerprint, None)
        sides = NO_SIDES
        if before is not None:
            for name in before.seats:
                self._groups[name] = None
                _drop(self._seated, name, fingerprint)
            for explained, _ in before.sides.targets:
                _drop(self._explained, explained, fingerprint)
        if alert is not None:
            place = self._places[fingerprint] = self._make.of(alert)
            sides = place.sides
            for name in place.seats:
                self._seated.setdefault(name, {})[fingerprint] = place
            for explained, _ in place.sides.targets if place.seats else ():
                self._explained.setdefault(explained, {})[fingerprint] = place
        self._concern(fingerprint)
        self._explaining.put(fingerprint, alert, sides)

    def _hush(self, silence_id: str, silence: AlertSilenced | None) -> None:
        """A silence is another one by now, or there no more."""
        for fingerprint, place in self._places.items():
            if place.hush(silence_id, silence):
                self._concern(fingerprint)

    def _record(self, key: str, record: AlertNotified | None) -> None:
        """A receiver was told something, or that is forgotten."""
        before = self._recorded.pop(key, None)
        if before is not None:
            name = before.receiver, before.group
            _drop(self._records, name, key)
            others = self._records.get(name, {}).values()
            for fingerprint in before.alerts:
                if not any(fingerprint in each.alerts for each in others):
                    _drop(self._mentions, fingerprint, name)
            self._groups[name] = None
        if record is not None:
            name = record.receiver, record.group
            self._recorded[key] = record
            self._records.setdefault(name, {})[key] = record
            for fingerprint in record.alerts:
                self._mentions.setdefault(fingerprint, {})[name] = None
            self._groups[name] = None

    def _stand(self, name: GroupName) -> None:
        """Plan one group."""
        seated, records = self._seated.get(name, {}), self._records.get(name, {})
        first = next(iter(seated.values()), None)
        labels = labels_of_key(name[1]) if first is None else first.seats[name][0].labels
        whole = self._owns(teller_of(labels))
        if not (whole or self._cut_off) or not (seated or records):
            self._stands.pop(name, None)
            return
        self._stands[name] = self._moment.stand_of(
            name,
            seated,
            Records.of(records.values()),
            lambda alert: whole or self._owns(alert.rule),
        )

    def _concern(self, fingerprint: str) -> None:
        """The groups of an alert are to be planned anew: where it is seated, and told of."""
        place = self._places.get(fingerprint)
        for name in () if place is None else place.seats:
            self._groups[name] = None
        for name in self._mentions.get(fingerprint, ()):
            self._groups[name] = None

    def _owns(self, name: str) -> bool:
        if name not in self._owned:
            self._owned[name] = self._ours(name)
        return self._owned[name]


def _drop(table: dict[_K, dict[_L, _V]], row: _K, column: _L) -> None:
    """Take one entry out of a table of tables, and out of that what is empty."""
    entries = table.get(row)
    if entries is not None:
        entries.pop(column, None)
        if not entries:
            del table[row]
