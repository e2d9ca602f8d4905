"""What explains what, kept while alerts come and go: :class:`~.inhibition.Inhibiting` by changes.

Which sides of which rules an alert matches follows from its labels. What an alert explains is
looked at anew only when some alert of the other side changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from shared.alerting.matchers import matches
from shared.alerting.notifying.by_labels import ByLabels
from shared.alerting.notifying.inhibition import Inhibition
from shared.contracts.alerts import AlertChanged

Explained = tuple[int, tuple[str, ...]]
"""Number of a rule, and the values of its equal labels."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Where an alert stands in the rules.

    Attributes:
        sources: rules whose source it matches, and whether it matches their target, too.
        targets: rules whose target it matches, and whether it matches their source, too.
    """

    sources: tuple[tuple[Explained, bool], ...]
    targets: tuple[tuple[Explained, bool], ...]


NO_SIDES = Sides((), ())


class Explaining:
    """The alerts that inhibit by some rules, or did."""

    def __init__(self, rules: Iterable[Inhibition]) -> None:
        self._rules = tuple(rules)
        names = {
            name
            for rule in self._rules
            for name in (*(each.label for each in (*rule.source, *rule.target)), *rule.equal)
        }
        self.sides: Callable[[Mapping[str, str]], Sides] = ByLabels(names, self._sides)
        """Of an alert with these labels."""
        self._causes: dict[str, tuple[AlertChanged, Sides]] = {}
        self._firing: dict[Explained, set[bool]] = {}
        self._resolved: dict[Explained, float] = {}
        self._changed = False

    def put(self, fingerprint: str, alert: AlertChanged | None, sides: Sides) -> None:
        """An alert is another one by now, or there no more."""
        if alert is not None and sides.sources:
            self._causes[fingerprint] = alert, sides
        elif self._causes.pop(fingerprint, None) is None:
            return
        self._changed = True

    def news(self) -> set[Explained]:
        """What is explained otherwise since it was last asked for."""
        if not self._changed:
            return set()
        self._changed = False
        firing, resolved = self._firing, self._resolved
        self._firing, self._resolved = {}, {}
        for alert, sides in self._causes.values():
            for explained, both in sides.sources:
                rule = self._rules[explained[0]]
                if rule.explains(alert):
                    self._firing.setdefault(explained, set()).add(both)
                elif (over_at := rule.over_at(alert)) is not None:
                    at = over_at.timestamp()
                    self._resolved[explained] = max(at, self._resolved.get(explained, at))
        return {
            each
            for each in {*firing, *resolved, *self._firing, *self._resolved}
            if firing.get(each) != self._firing.get(each)
            or resolved.get(each) != self._resolved.get(each)
        }

    def inhibits(self, sides: Sides) -> bool:
        """Whether an alert that stands so is inhibited now."""
        for explained, both in sides.targets:
            found = self._firing.get(explained)
            if found is not None and (False in found or not both):
                return True
        return False

    def freed_at(self, sides: Sides) -> float:
        """When the last alert was over that inhibited one that stands so; 0: none did lately."""
        return max((self._resolved.get(each, 0.0) for each, _ in sides.targets), default=0.0)

    def _sides(self, labels: Mapping[str, str]) -> Sides:
        sources, targets = [], []
        for number, rule in enumerate(self._rules):
            explained = number, tuple(labels.get(name, "") for name in rule.equal)
            source, target = matches(rule.source, labels), matches(rule.target, labels)
            if source:
                sources.append((explained, target))
            if target:
                targets.append((explained, source))
        return Sides(tuple(sources), tuple(targets))
