"""What alerter measures of its own work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from shared.contracts.alerts import AlertChanged
from shared.runtime.metrics import Instruments


class AlertMetrics:
    """The instruments of alerter, beside those of delivery and the signals themselves."""

    def __init__(self, instruments: Instruments) -> None:
        self._alerts = instruments.gauge("lakehouse_alerts")
        self._seconds = instruments.histogram("lakehouse_alert_evaluation_seconds")
        self._transitions = instruments.counter("lakehouse_alert_transitions_total")
        self._loaded = instruments.gauge("lakehouse_rules_loaded")
        self._broken = instruments.gauge("lakehouse_rules_broken")
        self._unpublished = instruments.gauge("lakehouse_alerts_unpublished")

    def changed(self, event: AlertChanged) -> None:
        """An alert has changed here."""
        self._transitions.labels(event.rule, event.state).inc()

    def took(self, seconds: float) -> None:
        """A pass of evaluation took so long."""
        self._seconds.observe(seconds)

    def rules(self, loaded: int, *, broken: bool) -> None:
        """So many rules are in force, and whether files are wrong."""
        self._loaded.set(loaded)
        self._broken.set(broken)

    def expose(
        self, active: Iterable[AlertChanged], rules: Callable[[str], bool], unpublished: int
    ) -> None:
        """Before a scrape: alerts that are pending or firing, of rules that are ours."""
        counts = Counter(
            (each.rule, each.state, each.severity, each.team)
            for each in active
            if each.state in ("pending", "firing") and rules(each.rule)
        )
        self._alerts.clear()
        for labels, number in counts.items():
            self._alerts.labels(*labels).set(number)
        self._unpublished.set(unpublished)
