"""A group: what one receiver is to know of alerts that are told together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Literal

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
        if (
            self.wait_s <= other.wait_s
            and self.interval_s <= other.interval_s
            and self.repeat_s <= other.repeat_s
        ):
            return self
        return Timing(
            min(self.wait_s, other.wait_s),
            min(self.interval_s, other.interval_s),
            min(self.repeat_s, other.repeat_s),
        )


SEVERITIES = ("critical", "warning", "info", "none")

Rank = tuple[bool, int, datetime, str]


def rank(alert: AlertChanged) -> Rank:
    """What is told first: what fires, the worst of it, the longest of that."""
    return (
        alert.state != "firing",
        SEVERITIES.index(alert.severity),
        alert.fired_at or alert.changed_at,
        alert.fingerprint,
    )


@lru_cache(maxsize=65_536)
def _told(transition: int, state: Literal["firing", "resolved"]) -> NotifiedAlert:
    """Alerts that came together have the same number; making one costs more than finding it."""
    return NotifiedAlert(transition=transition, state=state)


@dataclass(slots=True)
class Member:
    """An alert of a group; nothing of it changes.

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
    _told: NotifiedAlert | None = None
    _rank: Rank | None = None

    @property
    def told(self) -> NotifiedAlert:
        """What its receiver knows once it was told."""
        if self._told is None:
            firing = self.alert.state == "firing"
            self._told = _told(self.alert.transition, "firing" if firing else "resolved")
        return self._told

    @property
    def rank(self) -> Rank:
        """As :func:`rank`; found once, as a group is put in order for each of its alerts."""
        if self._rank is None:
            self._rank = rank(self.alert)
        return self._rank


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
