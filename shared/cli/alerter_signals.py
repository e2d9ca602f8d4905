"""The present values of signals, as alerter exposes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shared.cli.asking import alerter

if TYPE_CHECKING:
    from shared.alerting.series import Labels
    from shared.alerting.store import SeriesStore


def present(now: float) -> SeriesStore:
    """What alerter tells of signals now; a signal that it tells nothing of is not known.

    Raises:
        Unavailable: alerter does not answer.
    """
    return stored(alerter("/metrics").decode(), now)


def in_force(name: str) -> dict[str, Any] | None:
    """What alerter says of a rule that it has in force: times, who evaluates it, its error.

    ``None``: it has none of this name.

    Raises:
        Unavailable: alerter does not answer.
    """
    rules: list[dict[str, Any]] = json.loads(alerter("/rules"))["rules"]
    return next((each for each in rules if each["alert"] == name), None)


def stored(exposition: str, now: float) -> SeriesStore:
    """The signals of an exposition in Prometheus' text format.

    Windows hold one sample, the present one.
    """
    from prometheus_client.parser import text_string_to_metric_families

    from shared.alerting.store import SeriesStore
    from shared.runtime.metrics import SIGNALS

    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(exposition):
        for name in {family.name, f"{family.name}_total"} & SIGNALS.keys():
            found.setdefault(name, {})  # known, be it without a series
        for sample in family.samples:
            if sample.name in SIGNALS:
                labels = tuple(sorted((k, v) for k, v in sample.labels.items() if v))
                found.setdefault(sample.name, {})[labels] = sample.value
    store = SeriesStore()
    store.retain(dict.fromkeys(found, 86_400.0))
    store.take(tuple(found), found, now)
    return store
