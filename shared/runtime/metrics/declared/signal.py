"""How signals are declared: alerter produces them, and rules may ask for them."""

from __future__ import annotations

from shared.runtime.metrics.metric import Metric


def gauge(name: str, unit: str, labels: tuple[str, ...], text: str) -> Metric:
    """A gauge that alerter has from a source of signals."""
    return Metric(name, "gauge", unit, labels, text, ("alerter",), signal=True)


def counter(name: str, unit: str, labels: tuple[str, ...], text: str) -> Metric:
    """A counter that alerter has from a source of signals."""
    return Metric(name, "counter", unit, labels, text, ("alerter",), signal=True)
