"""Instruments of a process, made from the catalogue."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.process_collector import ProcessCollector

from shared.runtime.metrics.catalogue import METRICS


class Instruments:
    """The instruments of one process, made from the catalogue on a registry of its own."""

    def __init__(self, service: str) -> None:
        self.service = service
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        self._before_exposition: list[Callable[[], None]] = []
        for metric in METRICS.values():
            if metric.signal or service not in metric.producers:
                continue
            if metric.kind == "counter":
                self._counters[metric.name] = Counter(
                    metric.name, metric.help, metric.labels, registry=self.registry
                )
            elif metric.kind == "gauge":
                self._gauges[metric.name] = Gauge(
                    metric.name, metric.help, metric.labels, registry=self.registry
                )
            else:
                self._histograms[metric.name] = Histogram(
                    metric.name,
                    metric.help,
                    metric.labels,
                    registry=self.registry,
                    buckets=metric.buckets,
                )

    def counter(self, name: str) -> Counter:
        """Declared counter. Raises ``KeyError`` when this service does not declare it."""
        return self._counters[name]

    def gauge(self, name: str) -> Gauge:
        """Declared gauge. Raises ``KeyError`` when this service does not declare it."""
        return self._gauges[name]

    def histogram(self, name: str) -> Histogram:
        """Declared histogram. Raises ``KeyError`` when this service does not declare it."""
        return self._histograms[name]

    def before_exposition(self, flush: Callable[[], None]) -> None:
        """Call ``flush`` before each scrape: hot paths may count in plain integers until then."""
        self._before_exposition.append(flush)

    def exposition(self) -> bytes:
        """Prometheus text format of everything this process measures."""
        for flush in self._before_exposition:
            flush()
        return generate_latest(self.registry)


def observe_all(histogram: Histogram, below: Callable[[float], int], total: float) -> None:
    """Add many observations at once: one by one they would hold up the event loop.

    Args:
        histogram: a labelled child.
        below: how many of the observations are not above a bound.
        total: their sum.
    """
    counted = 0
    for bucket, bound in zip(histogram._buckets, histogram._upper_bounds, strict=True):
        reached = below(bound)
        bucket.inc(reached - counted)
        counted = reached
    histogram._sum.inc(total)
