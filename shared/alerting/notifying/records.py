"""What receivers were told, as far as anybody knows: the records of one receiver and group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from shared.contracts.alerts import AlertChanged, AlertNotified, NotifiedAlert


@dataclass(slots=True)
class Records:
    """The last notification that was taken, and the last that was begun."""

    taken: AlertNotified | None = None
    begun: AlertNotified | None = None

    @property
    def last_at(self) -> float | None:
        """When the receiver last took a notification of the group."""
        return None if self.taken is None else self.taken.notified_at.timestamp()

    def told(self, fingerprint: str) -> NotifiedAlert | None:
        """What the receiver certainly was told last of an alert."""
        return None if self.taken is None else self.taken.alerts.get(fingerprint)

    def is_known(self, alert: AlertChanged) -> bool:
        """Whether the receiver knows that a firing alert fires."""
        told = self.told(alert.fingerprint)
        return told is not None and told.transition >= alert.transition

    def is_begun(self, alert: AlertChanged) -> bool:
        """Whether it is on record that the receiver is, or was, to be told that it fires."""
        begun = None if self.begun is None else self.begun.alerts.get(alert.fingerprint)
        return begun is not None and begun.transition >= alert.transition

    def believed_firing(self) -> Iterator[tuple[str, NotifiedAlert]]:
        """Fingerprints of alerts that fire for all the receiver may know, and what it was told."""
        begun: Mapping[str, NotifiedAlert] = {} if self.begun is None else self.begun.alerts
        taken: Mapping[str, NotifiedAlert] = {} if self.taken is None else self.taken.alerts
        for fingerprint in dict.fromkeys([*taken, *begun]):
            told, maybe = taken.get(fingerprint), begun.get(fingerprint)
            if maybe is not None and (told is None or told.transition < maybe.transition):
                told = maybe
            if told is not None and told.state == "firing":
                yield fingerprint, told


@dataclass(slots=True)
class AllRecords:
    """Records by receiver and group."""

    by_group: dict[tuple[str, str], Records] = field(default_factory=dict)

    @classmethod
    def of(cls, notified: Mapping[str, AlertNotified]) -> AllRecords:
        """From the records of a board."""
        found = cls()
        for each in notified.values():
            records = found.by_group.setdefault((each.receiver, each.group), Records())
            if each.taken:
                records.taken = each
            else:
                records.begun = each
        return found

    def get(self, receiver: str, group: str) -> Records:
        """The records of one receiver and group, empty ones if there are none."""
        return self.by_group.get((receiver, group)) or Records()
