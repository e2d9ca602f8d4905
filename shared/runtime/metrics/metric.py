"""What a metric is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Buckets of most durations."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family as Prometheus shows it.

    Attributes:
        name: of the family; a counter's ends in ``_total``.
        unit: what it counts, or what one is of; ``0 or 1`` for what is or is not.
        labels: names of its labels.
        help: what it says, in a sentence.
        producers: the services that expose it.
        buckets: upper bounds, of a histogram.
        signal: alerter has it from a source of signals, series by series, at every scrape and
            every evaluation (:class:`shared.alerting.series.SignalSource`): rules may use it.
    """

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    help: str
    producers: tuple[str, ...]
    buckets: tuple[float, ...] = SECONDS
    signal: bool = False
