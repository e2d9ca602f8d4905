"""Where every alert stands, by rule and series: what evaluation goes on from. Pure.

Alerts that are over stay as long as somebody may know their transition numbers, so that the next
one of the same series has a higher one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from shared.alerting.alert import Alert
from shared.alerting.series import Labels

_NONE: Mapping[Labels, Alert] = MappingProxyType({})


class Standing:
    """The alerts of all rules, whoever evaluates them."""

    def __init__(self) -> None:
        self._alerts: dict[str, dict[Labels, Alert]] = {}

    def of(self, rule: str) -> Mapping[Labels, Alert]:
        """The alerts of one rule."""
        return self._alerts.get(rule, _NONE)

    def rules(self) -> tuple[str, ...]:
        """Names of rules that have alerts, those that exist no more among them."""
        return tuple(self._alerts)

    def keep(self, alerts: Iterable[Alert]) -> None:
        """These have changed here."""
        for alert in alerts:
            self._alerts.setdefault(alert.rule, {})[alert.labels] = alert

    def learned(self, alert: Alert) -> bool:
        """Somebody says that an alert stands so; whether that is news. The higher number wins."""
        held = self.of(alert.rule).get(alert.labels)
        if held is not None and held.transition >= alert.transition:
            return False
        self.keep([alert])
        return True

    def forget(self, fingerprints: Collection[str]) -> None:
        """Nobody knows these any more."""
        self._keep(lambda alert: alert.fingerprint not in fingerprints)

    def forget_unknown(self, known: Collection[str]) -> None:
        """Drop what is over and not among the known: whoever owns it has forgotten it."""
        self._keep(lambda alert: alert.state in ("pending", "firing") or alert.fingerprint in known)

    def _keep(self, wanted: Callable[[Alert], bool]) -> None:
        for rule, alerts in list(self._alerts.items()):
            left = {labels: alert for labels, alert in alerts.items() if wanted(alert)}
            if left:
                self._alerts[rule] = left
            else:
                del self._alerts[rule]
