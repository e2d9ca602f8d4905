"""What receivers were told, as far as anybody knows: the records of one receiver and group.

A record is bounded, as what a broker takes is: what is on record of a group of more alerts is in
several, each under a key of its own, which has some of the alerts by how their fingerprints begin.
A group that grows is divided otherwise, and older records stay: of an alert the highest transition
counts, in whichever of them it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from shared.contracts.alerts import AlertChanged, AlertNotified, NotifiedAlert

MOST = 10_000
"""Alerts of one record: some 0.6 MB."""

Told = Mapping[str, NotifiedAlert]
"""What was told of each alert, by fingerprint."""
GroupName = tuple[str, str]
"""Receiver and key of a group."""

_NOTHING: Told = {}


@dataclass(frozen=True, slots=True)
class Records:
    """What was told of one group.

    Attributes:
        taken: what the receiver certainly was told last of each alert.
        begun: what it may have been told, too.
        last: the last notification that was taken.
    """

    taken: Told = field(default_factory=dict)
    begun: Told = field(default_factory=dict)
    last: AlertNotified | None = None

    @classmethod
    def of(cls, records: Iterable[AlertNotified]) -> Records:
        """Those of one group."""
        taken: list[AlertNotified] = []
        begun: list[AlertNotified] = []
        for each in records:
            (taken if each.taken else begun).append(each)
        last = max(taken, key=lambda each: each.notified_at, default=None)
        return cls(_highest(taken), _highest(begun), last)

    @property
    def last_at(self) -> float | None:
        """When the receiver last took a notification of the group."""
        return None if self.last is None else self.last.notified_at.timestamp()

    def is_known(self, alert: AlertChanged) -> bool:
        """Whether the receiver knows that a firing alert fires."""
        told = self.taken.get(alert.fingerprint)
        return told is not None and told.transition >= alert.transition

    def is_begun(self, alert: AlertChanged) -> bool:
        """Whether it is on record that the receiver is, or was, to be told that it fires."""
        begun = self.begun.get(alert.fingerprint)
        return begun is not None and begun.transition >= alert.transition

    def believed_firing(self) -> Iterator[tuple[str, NotifiedAlert]]:
        """Fingerprints of alerts that fire for all the receiver may know, and what it was told."""
        for fingerprint, told in self.taken.items():
            maybe = self.begun.get(fingerprint)
            last = told if maybe is None or maybe.transition <= told.transition else maybe
            if last.state == "firing":
                yield fingerprint, last
        for fingerprint, begun in self.begun.items():
            if begun.state == "firing" and fingerprint not in self.taken:
                yield fingerprint, begun


NOBODY_TOLD = Records()
"""Of a group of which nothing is on record."""


def by_group(notified: Iterable[AlertNotified]) -> dict[GroupName, Records]:
    """The records of a board, by receiver and group."""
    found: dict[GroupName, list[AlertNotified]] = {}
    for each in notified:
        found.setdefault((each.receiver, each.group), []).append(each)
    return {name: Records.of(records) for name, records in found.items()}


def divided(told: Told, most: int = MOST) -> dict[str, Told]:
    """What goes into each record: by the first digits of fingerprints, as few as do."""
    if len(told) <= most:
        return {"": told}
    for digits in range(1, 17):
        parts: dict[str, dict[str, NotifiedAlert]] = {}
        for fingerprint, each in told.items():
            parts.setdefault(fingerprint[:digits], {})[fingerprint] = each
        if max(map(len, parts.values())) <= most:
            break
    return dict(sorted(parts.items()))


def _highest(records: Iterable[AlertNotified]) -> Told:
    found: Told = _NOTHING
    for each in records:
        if not found:
            found = each.alerts
            continue
        both = dict(found)
        for fingerprint, told in each.alerts.items():
            before = both.get(fingerprint)
            if before is None or before.transition <= told.transition:
                both[fingerprint] = told
        found = both
    return found
