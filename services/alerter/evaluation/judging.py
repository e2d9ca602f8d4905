"""One evaluation of one rule: from signals to the changes of its alerts. Pure."""

from __future__ import annotations

from types import MappingProxyType

from services.alerter.evaluation.standing import Standing
from shared.alerting.alert import End
from shared.alerting.evaluate import evaluate
from shared.alerting.evidence import Evidence
from shared.alerting.expression import Condition
from shared.alerting.lifecycle import Advanced, advance
from shared.alerting.reach import selectors
from shared.alerting.rule import Rule, Rules
from shared.alerting.series import Labels, Vector
from shared.alerting.store import SeriesStore
from shared.contracts.alerts import AlertChanged

_NOTHING: Vector = MappingProxyType({})


class Judge:
    """Evaluates rules, and keeps in :class:`Standing` what became of their alerts.

    Args:
        store: signals.
        standing: alerts.
    """

    def __init__(self, store: SeriesStore, standing: Standing) -> None:
        self._store = store
        self._standing = standing
        self._before: dict[str, Vector] = {}
        self._unknown_since: dict[str, float] = {}

    def judge(self, rule: Rule, now: float) -> Advanced | None:
        """What changed; ``None`` while a signal that the rule needs is not known: alerts stay."""
        active = evaluate(rule.condition, self._store, now)
        if active is None:
            self._unknown_since.setdefault(rule.name, now)
            return None
        advanced = advance(
            rule,
            self._standing.of(rule.name),
            active,
            now,
            before=self._before.get(rule.name, _NOTHING),
            exists=lambda labels: self._exists(rule.condition, labels),
            forgotten=Evidence(rule.condition, self._store, now).is_forgotten,
            unseen_s=max(0.0, now - self._unknown_since.pop(rule.name, now)),
        )
        self._before[rule.name] = active
        self._standing.keep(advanced.changed)
        self._standing.keep(advanced.touched)
        return advanced

    def values(self, rule: str) -> Vector:
        """For which series the condition held when it was last evaluated here, and the values."""
        return self._before.get(rule, _NOTHING)

    def forget(self, rule: str) -> None:
        """The rule is somebody else's, or another one by now."""
        self._before.pop(rule, None)
        self._unknown_since.pop(rule, None)

    def _exists(self, condition: Condition, labels: Labels) -> bool:
        """Whether a series with these labels is there: that of the alert, or one in its sum."""
        wanted = set(labels)
        signal = next(selectors(condition)).signal
        return any(wanted.issubset(each) for each in self._store.vector(signal))


def superseded(rules: Rules, event: AlertChanged) -> End | None:
    """Why an alert cannot go on under these rules: ``rule_removed``, ``rule_changed``, or ``None``.

    As in Prometheus an alert goes on when a rule of the same name and labels is there, whatever its
    condition, threshold or times are by now: the next evaluation decides. Severity and team are
    labels. An alert of other labels is another alert, so the old one ends.
    """
    rule = rules.get(event.rule)
    if rule is None:
        return "rule_removed"
    same = (rule.severity, rule.team) == (event.severity, event.team)
    labels = {**event.series, **rule.labels}
    return None if same and labels == event.labels else "rule_changed"
