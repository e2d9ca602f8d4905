"""What one receiver is told at once: the alerts of a group that fire, and those that are over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from shared.alerting.notifying.records import Told, divided
from shared.contracts.alerts import AlertChanged, AlertNotified

Reason = Literal["changed", "repeated", "escalated"]


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification that is due.

    Attributes:
        receiver: name of the receiver.
        group: key of the group, ``name=value`` pairs joined with commas; unique per receiver.
        group_labels: the same as a mapping; empty when all alerts of a route are told together.
        idempotency_key: the same whenever the same is told again, in whatever process.
        reason: ``changed``: an alert began to fire or is over; ``repeated``: nothing new, told
            again; ``escalated``: nobody acknowledged it in time.
        repeat: how often the same has been told again, this time included; 0 for a change.
        alerts: those that fire, then those that are over, each as its last change with texts
            filled in; never empty.
        told: what is on record once the receiver took it, by fingerprint; alerts that others told
            this receiver of in this group are in it, too.
        begun: what is to be on record before it is told; empty when nothing is.
    """

    receiver: str
    group: str
    group_labels: Mapping[str, str]
    idempotency_key: str
    reason: Reason
    repeat: int
    alerts: tuple[AlertChanged, ...]
    told: Told
    begun: Told = field(default_factory=dict)

    @property
    def status(self) -> Literal["firing", "resolved"]:
        """``resolved`` when all of its alerts are over."""
        over = all(alert.state != "firing" for alert in self.alerts)
        return "resolved" if over else "firing"

    def taken(self, at: float) -> tuple[AlertNotified, ...]:
        """The records that the receiver took it; ``at`` in seconds since the epoch.

        One, unless the group is very large: see :mod:`shared.alerting.notifying.records`.
        """
        return self._records(self.told, at, taken=True)

    def telling(self, at: float) -> tuple[AlertNotified, ...]:
        """The records that it is about to be told, to be kept before it is sent.

        None when there is no need: the receiver was told of these alerts before.
        """
        return self._records(self.begun, at, taken=False) if self.begun else ()

    def _records(self, alerts: Told, at: float, *, taken: bool) -> tuple[AlertNotified, ...]:
        return tuple(
            AlertNotified(
                receiver=self.receiver,
                group=self.group,
                part=part,
                idempotency_key=self.idempotency_key,
                alerts=dict(told),
                reason=self.reason,
                taken=taken,
                repeat=self.repeat,
                notified_at=datetime.fromtimestamp(at, UTC),
            )
            for part, told in divided(alerts).items()
        )
