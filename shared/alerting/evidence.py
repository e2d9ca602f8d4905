"""Whether an alert that does not hold any more is over, or what it fired on is only forgotten.

Samples end with the process that took them, and with a gap as long as their window; alerts do not.
So a condition that looks back further than there are samples may hold though nothing shows it.
"""

from __future__ import annotations

from shared.alerting.alert import Alert
from shared.alerting.evaluate import holding
from shared.alerting.expression import All, Comparison, Condition, Either, Selector
from shared.alerting.matching import keep
from shared.alerting.reach import selectors
from shared.alerting.series import Labels
from shared.alerting.store import SeriesStore

_On = tuple[str, ...] | None


class Evidence:
    """What one evaluation of a condition can say of alerts for which it does not hold.

    Args:
        condition: of their rule; all its signals are known.
        store: signals.
        now: when it is evaluated.
    """

    def __init__(self, condition: Condition, store: SeriesStore, now: float) -> None:
        self._condition = condition
        self._store = store
        self._now = now
        self._begun: dict[Selector, float] = {
            each: since
            for each in selectors(condition)
            if each.window_s is not None
            and (since := store.sampled_since(each.signal)) is not None
            and now - since < each.window_s
        }
        """Windows that reach to before the samples, and when these begin."""
        self._held: dict[tuple[Condition, _On], frozenset[Labels]] = {}

    def is_forgotten(self, alert: Alert) -> bool:
        """Whether the condition might hold for this alert, if samples were there from before: it
        fired before they begin, and those that are there do not tell that it is over."""
        fired_at = alert.fired_at
        if fired_at is None or not any(since > fired_at for since in self._begun.values()):
            return False
        return self._may_hold(self._condition, alert.labels, None, fired_at)

    def _may_hold(self, condition: Condition, labels: Labels, on: _On, fired_at: float) -> bool:
        match condition:
            case All(conditions, also_on):
                beside = on if also_on is None else also_on
                shown = labels if beside is None else keep(labels, beside)
                return self._may_hold(conditions[0], labels, on, fired_at) and all(
                    self._may_hold(each, shown, beside, fired_at) for each in conditions[1:]
                )
            case Either(conditions):
                return any(self._may_hold(each, labels, on, fired_at) for each in conditions)
            case Comparison():
                for each in selectors(condition):
                    if self._begun.get(each, fired_at) > fired_at:
                        return True
        return labels in self._holding(condition, on)

    def _holding(self, condition: Condition, on: _On) -> frozenset[Labels]:
        key = (condition, on)
        if key not in self._held:
            vector = holding(condition, self._store, self._now)
            self._held[key] = frozenset(
                vector if on is None else (keep(each, on) for each in vector)
            )
        return self._held[key]
