"""Alerts that another firing alert explains: they are not told while it fires.

As in Alertmanager: a source that is silenced, or that nobody is told of, inhibits all the same, and
an alert that matches both sides of a rule is not inhibited by another one that does. An end is told
nevertheless, if the beginning was: to know that something is over needs no explanation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.alerting.events import all_labels
from shared.alerting.matchers import matches
from shared.contracts.alerts import AlertChanged, Matcher


@dataclass(frozen=True, slots=True)
class Inhibition:
    """Firing alerts that match ``source`` inhibit those that match ``target`` and have the same
    values of the labels ``equal`` (absent ones are equal, too).

    ``early``: pending ones do as well. What follows from a failure may fire before it is certain
    that there is one; if there is none it is told then.
    """

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()
    early: bool = False

    def explains(self, source: AlertChanged) -> bool:
        """Whether an alert that matches the source inhibits now."""
        return source.state == "firing" or (self.early and source.state == "pending")

    def over_at(self, source: AlertChanged) -> datetime | None:
        """When one that inhibited was over; ``None``: it is not, or never did."""
        if source.state == "resolved":
            return source.resolved_at
        return source.changed_at if self.early and source.state == "inactive" else None


@dataclass(slots=True)
class _Sources:
    """Of one rule, by the values of its equal labels; whether they match the target side too."""

    firing: dict[tuple[str, ...], set[bool]]
    resolved: dict[tuple[str, ...], float]


class Inhibiting:
    """What ``alerts`` inhibit by ``rules``."""

    def __init__(self, rules: Iterable[Inhibition], alerts: Iterable[AlertChanged]) -> None:
        self._rules = [(rule, _Sources({}, {})) for rule in rules]
        for alert in alerts if self._rules else ():
            labels = all_labels(alert)
            for rule, sources in self._rules:
                if matches(rule.source, labels):
                    _add(rule, sources, alert, labels)

    def inhibits(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels is inhibited now."""
        for rule, sources in self._rules:
            if not sources.firing or not matches(rule.target, labels):
                continue
            found = sources.firing.get(_values(rule, labels), set())
            if False in found or (True in found and not matches(rule.source, labels)):
                return True
        return False

    def freed_at(self, labels: Mapping[str, str]) -> float | None:
        """When the last alert was over that inhibited this one; ``None``: none did lately."""
        found = [
            sources.resolved[_values(rule, labels)]
            for rule, sources in self._rules
            if _values(rule, labels) in sources.resolved and matches(rule.target, labels)
        ]
        return max(found, default=None)


def _add(
    rule: Inhibition, sources: _Sources, alert: AlertChanged, labels: Mapping[str, str]
) -> None:
    values = _values(rule, labels)
    if rule.explains(alert):
        sources.firing.setdefault(values, set()).add(matches(rule.target, labels))
    elif (over_at := rule.over_at(alert)) is not None:
        at = over_at.timestamp()
        sources.resolved[values] = max(at, sources.resolved.get(values, at))


def _values(rule: Inhibition, labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in rule.equal)
