"""What an Alertmanager is to be told now. Pure.

Alertmanager resolves by itself what nobody repeats. Therefore, as Prometheus does, firing alerts
are sent again while they fire, each time with an end a few rounds ahead, and resolved ones for a
while after their end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.contracts.alerts import AlertChanged

ROUNDS_AHEAD = 4
"""A firing alert ends, for an Alertmanager, after so many rounds without a word."""
RESOLVED_FOR_S = 900.0
"""How long resolved alerts are repeated."""


@dataclass(frozen=True, slots=True)
class _Sent:
    transition: int
    at: float


class Resending:
    """What one Alertmanager has been told; times in unix seconds.

    Args:
        resend_s: how often it is told the same again.
    """

    def __init__(self, resend_s: float) -> None:
        self._resend_s = resend_s
        self._alerts: dict[str, AlertChanged] = {}
        self._sent: dict[str, _Sent] = {}

    def stand(self, alerts: Iterable[AlertChanged]) -> None:
        """All alerts as they stand now. Only those that fire, or fired, are told of.

        The board is not looked at for each change: one that is active anew and not firing yet, or
        was, has ended in between. One that is missing is told by another alerter, or has been over
        for long: it is forgotten, unless its end was not told yet. An end that was told for long
        enough stays told.
        """
        standing = {each.fingerprint: each for each in alerts}
        for name, alert in standing.items():
            over = alert.state == "resolved" and alert.fired_at is not None
            if over and name not in self._alerts and self._is_told(alert):
                continue
            if alert.state == "firing" or over:
                self._alerts[name] = alert
            elif name in self._alerts and self._alerts[name].state == "firing":
                self._alerts[name] = _ended_before(alert, self._alerts[name])
        kept = {
            name: alert
            for name, alert in self._alerts.items()
            if name in standing or (alert.state != "firing" and not self._is_told(alert))
        }
        self._alerts = kept
        self._sent = {
            name: sent for name, sent in self._sent.items() if name in kept or name in standing
        }

    def due(self, now: float) -> list[AlertChanged]:
        """Alerts to send: changed ones, and those that were not sent for a round.

        What was sent in the future, before the clock was set back, is sent at once.
        """
        self._forget_old(now)
        return [
            alert
            for name, alert in self._alerts.items()
            if not self._is_told(alert)
            or self._sent[name].at + self._resend_s <= now
            or self._sent[name].at > now
        ]

    def wait(self, now: float) -> float | None:
        """Seconds until something is due; ``None`` while there is nothing to tell."""
        if not self._alerts:
            return None
        if self.due(now):
            return 0.0
        ats = [self._sent[name].at for name in self._alerts]
        return max(0.0, min(ats) + self._resend_s - now) if ats else None

    def sent(self, alerts: Iterable[AlertChanged], at: float) -> None:
        """These were taken."""
        for alert in alerts:
            if alert.fingerprint in self._alerts:
                self._sent[alert.fingerprint] = _Sent(alert.transition, at)

    def ends_at(self, now: float) -> float:
        """When a firing alert that is sent now ends unless it is sent again."""
        return now + ROUNDS_AHEAD * self._resend_s

    def _is_told(self, alert: AlertChanged) -> bool:
        sent = self._sent.get(alert.fingerprint)
        return sent is not None and sent.transition == alert.transition

    def _forget_old(self, now: float) -> None:
        """A resolved alert is forgotten once it was told, and has been resolved for long."""
        old = [
            name
            for name, alert in self._alerts.items()
            if alert.state != "firing"
            and self._is_told(alert)
            and alert.changed_at.timestamp() + RESOLVED_FOR_S <= now
        ]
        for name in old:
            del self._alerts[name]


def _ended_before(anew: AlertChanged, told: AlertChanged) -> AlertChanged:
    """The end, which nobody saw, of what was told to fire."""
    return told.model_copy(
        update={
            "state": "resolved",
            "previous": "firing",
            "transition": told.transition + 1,
            "ended_by": "condition_false",
            "resolved_at": anew.active_at,
            "changed_at": anew.active_at,
        }
    )
