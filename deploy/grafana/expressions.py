"""PromQL of metrics that the catalogue declares: a wrong name or label fails at import.

Services are scraped one by one. Counters and what processes hold are summed over them; of what
alerter tells of the whole platform, each of several alerters has a series of its own of the same,
of which the largest is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.runtime.metrics import METRICS, Kind

INTERVAL = "$__rate_interval"
"""Grafana fills in four scrapes or a pixel, whichever is longer."""


def rate(name: str, by: str = "", where: str = "") -> str:
    """How many a second, summed by labels, of a counter or of a histogram's observations."""
    suffix = "_count" if _kind(name, "counter", "histogram") == "histogram" else ""
    return _grouped("sum", by, name, f"rate({_chosen(name, where, suffix)}[{INTERVAL}])")


def total(name: str, by: str = "", where: str = "", over: str = "1h") -> str:
    """How many in the last hour, or so, summed by labels, of a counter."""
    _kind(name, "counter")
    return _grouped("sum", by, name, f"increase({_chosen(name, where)}[{over}])")


def quantile(share: float, name: str, by: str = "", where: str = "") -> str:
    """A quantile of a histogram, by labels."""
    _kind(name, "histogram")
    buckets = f"rate({_chosen(name, where, '_bucket')}[{INTERVAL}])"
    labels = ", ".join(["le", *_labels(name, by)])
    return f"histogram_quantile({share:g}, sum by ({labels}) ({buckets}))"


def summed(name: str, by: str = "", where: str = "") -> str:
    """The sum of what processes hold, by labels, of a gauge."""
    _kind(name, "gauge")
    return _grouped("sum", by, name, _chosen(name, where))


def largest(name: str, by: str = "", where: str = "") -> str:
    """The largest, by labels, of a gauge."""
    _kind(name, "gauge")
    return _grouped("max", by, name, _chosen(name, where))


def seen(name: str, by: str = "", where: str = "") -> str:
    """How many a second, by labels, of a counter of which every alerter has the same series."""
    _kind(name, "counter")
    return _grouped("max", by, name, f"rate({_chosen(name, where)}[{INTERVAL}])")


def age(name: str, by: str = "") -> str:
    """Seconds since the moment that a gauge tells, by labels."""
    return f"time() - {largest(name, by)}"


def _grouped(aggregation: str, by: str, name: str, vector: str) -> str:
    labels = _labels(name, by)
    grouping = f" by ({', '.join(labels)})" if labels else ""
    return f"{aggregation}{grouping} ({vector})"


def _chosen(name: str, where: str, suffix: str = "") -> str:
    for condition in filter(None, where.split(",")):
        label = condition.partition("=")[0].rstrip("!")
        _labels(name, label)
    return f"{name}{suffix}{{{where}}}" if where else f"{name}{suffix}"


def _labels(name: str, by: str) -> Sequence[str]:
    labels = [label.strip() for label in by.split(",") if label.strip()]
    for label in labels:
        if label not in METRICS[name].labels:
            raise ValueError(f"{name} has no label {label}, but {METRICS[name].labels}")
    return labels


def _kind(name: str, *kinds: Kind) -> Kind:
    """The metric's kind; ``KeyError`` when nobody declares it."""
    found = METRICS[name].kind
    if found not in kinds:
        raise ValueError(f"{name} is a {found}, not a {' or '.join(kinds)}")
    return found
