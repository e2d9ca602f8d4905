"""Signals on ``/metrics``: the present vectors, so a series that is gone is gone there, too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import structlog
from prometheus_client import Metric as Family
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from shared.alerting.series import SignalSource, Vector
from shared.runtime.metrics import METRICS
from shared.runtime.outage import Outage

log = structlog.stdlib.get_logger("bergline.alerter")


class SignalExposition(Collector):
    """Asks the sources at every scrape; those that do not know have no series."""

    def __init__(
        self, sources: Sequence[SignalSource], clock: Callable[[], float] = time.time
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._outage = Outage(log, "signals not exposed")

    def describe(self) -> Iterable[Family]:
        """Nothing: the registry is not to ask the sources when this is registered."""
        return ()

    def collect(self) -> Iterable[Family]:
        """A family for every signal that is known."""
        now = self._clock()
        for source in self._sources:
            try:
                vectors = source.vectors(now) if source.known(now) else {}
            except Exception as error:  # noqa: BLE001 - no source may hide the others
                self._outage.failed(error)
                continue
            for name in sorted(vectors):
                yield _family(name, vectors[name])


def _family(name: str, vector: Vector) -> Family:
    metric = METRICS[name]
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(name, metric.help, labels=metric.labels)
    for series, value in sorted(vector.items()):
        held = dict(series)
        family.add_metric([held.get(label, "") for label in metric.labels], value)
    return family
