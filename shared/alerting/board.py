"""The board: what ``lakehouse.alert-states`` says, put together. Pure.

Last record of each key: where every alert stands, who was told, what is acknowledged and silenced.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from shared.alerting.events import all_labels
from shared.alerting.matchers import matches
from shared.contracts.alerts import (
    AlertAcknowledged,
    AlertChanged,
    AlertNotified,
    AlertSilenced,
)
from shared.contracts.event import Event


@dataclass(slots=True)
class Board:
    """What stands there.

    Attributes:
        alerts: by fingerprint.
        notified: by key: of each receiver and group the last notification that it took, and the
            last that was begun.
        acknowledged: by fingerprint.
        silences: by id, those that have ended included.
    """

    alerts: dict[str, AlertChanged] = field(default_factory=dict)
    notified: dict[str, AlertNotified] = field(default_factory=dict)
    acknowledged: dict[str, AlertAcknowledged] = field(default_factory=dict)
    silences: dict[str, AlertSilenced] = field(default_factory=dict)

    def take(self, key: str, event: Event | None) -> None:
        """Take one record; ``None`` removes what stood under the key.

        Of an alert the higher transition wins, whatever the order of records.
        """
        match event:
            case None:
                self._remove(key)
            case AlertChanged():
                before = self.alerts.get(event.fingerprint)
                if before is None or before.transition <= event.transition:
                    self.alerts[event.fingerprint] = event
            case AlertNotified():
                self.notified[key] = event
            case AlertAcknowledged():
                self.acknowledged[event.fingerprint] = event
            case AlertSilenced():
                self.silences[event.silence_id] = event
            case _:
                pass  # of a later version

    def silenced_by(self, alert: AlertChanged, now: datetime) -> list[AlertSilenced]:
        """The silences that keep an alert from being told now; that which ends last first."""
        labels = all_labels(alert)
        found = [
            each
            for each in self.silences.values()
            if each.starts_at <= now < each.ends_at and matches(each.matchers, labels)
        ]
        return sorted(found, key=lambda each: each.ends_at, reverse=True)

    def acknowledgement(self, alert: AlertChanged) -> AlertAcknowledged | None:
        """Who works on an alert; one of an earlier time under the same fingerprint is nobody's."""
        found = self.acknowledged.get(alert.fingerprint)
        return found if found is not None and found.active_at == alert.active_at else None

    def told(self, alert: AlertChanged) -> list[AlertNotified]:
        """Notifications that told the present state of an alert, the first of them first."""
        found = [
            each
            for each in self.notified.values()
            if each.taken
            and (told := each.alerts.get(alert.fingerprint)) is not None
            and told.transition == alert.transition
        ]
        return sorted(found, key=lambda each: each.notified_at)

    def _remove(self, key: str) -> None:
        kind, _, rest = key.partition("/")
        match kind.partition(".")[0]:
            case "notified" | "telling":
                self.notified.pop(key, None)
            case "acknowledged":
                self.acknowledged.pop(rest, None)
            case "silenced":
                self.silences.pop(rest, None)
            case _:
                self.alerts.pop(key, None)
