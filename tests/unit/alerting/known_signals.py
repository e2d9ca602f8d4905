"""A small catalogue of signals to read rules with."""

from __future__ import annotations

from shared.alerting.selecting import Signals
from shared.runtime.metrics import Kind, Metric


def signal(name: str, kind: Kind, *labels: str) -> Metric:
    return Metric(name, kind, "things", labels, "Things.", ("alerter",), signal=True)


KNOWN: Signals = {
    metric.name: metric
    for metric in (
        signal("files", "gauge", "layer", "table"),
        signal("limit", "gauge", "layer", "table"),
        signal("silence", "gauge", "table"),
        signal("seen_total", "counter", "table", "topic"),
        signal("alive", "gauge"),
    )
}
