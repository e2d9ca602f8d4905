"""A group: what one receiver is to know of alerts that are told together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.alerting.notifying.records import Records
from shared.alerting.notifying.routing import Route
from shared.contracts.alerts import AlertChanged, NotifiedAlert


@dataclass(frozen=True, slots=True)
class Timing:
    """How soon and how often a group is told; as of :class:`Route`."""

    wait_s: float
    interval_s: float
    repeat_s: float

    @classmethod
    def of(cls, route: Route) -> Timing:
        """That of a route."""
        return cls(route.group_wait_s, route.group_interval_s, route.repeat_interval_s)

    def sooner(self, other: Timing) -> Timing:
        """Of each time the shorter one, for a group to which several routes lead."""
        return Timing(
            min(self.wait_s, other.wait_s),
            min(self.interval_s, other.interval_s),
            min(self.repeat_s, other.repeat_s),
        )


@dataclass(frozen=True, slots=True)
class Member:
    """An alert of a group.

    Attributes:
        alert: as it is to be told.
        since: since when it is to be told.
        escalated: it is here because nobody acknowledged it.
        acknowledged: somebody works on it: it is not repeated.
    """

    alert: AlertChanged
    since: float
    escalated: bool = False
    acknowledged: bool = False

    @property
    def told(self) -> NotifiedAlert:
        """What its receiver knows once it was told."""
        return NotifiedAlert(
            transition=self.alert.transition,
            state="firing" if self.alert.state == "firing" else "resolved",
        )


@dataclass(slots=True)
class Group:
    """What a receiver is to know.

    Attributes:
        receiver, key, labels: which group it is.
        timing: how soon, how often.
        records: what the receiver was told.
        firing: alerts that fire and are not muted, by fingerprint.
        ended: alerts that are over, of which the receiver does not know that.
    """

    receiver: str
    key: str
    labels: Mapping[str, str]
    timing: Timing
    records: Records
    firing: dict[str, Member] = field(default_factory=dict)
    ended: dict[str, Member] = field(default_factory=dict)

    def add(self, member: Member) -> None:
        """One more that fires; one that is there already is told by the earlier."""
        before = self.firing.get(member.alert.fingerprint)
        if before is None or member.since < before.since:
            self.firing[member.alert.fingerprint] = member
