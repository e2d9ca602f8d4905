"""Many series become one: ``sum``, ``max``, ``min``, ``avg`` and ``count`` by labels."""

from __future__ import annotations

from shared.alerting.expression import Aggregation
from shared.alerting.matching import keep
from shared.alerting.over_time import OF_VALUES
from shared.alerting.series import Labels, Vector


def aggregated(aggregation: Aggregation, by: tuple[str, ...], vector: Vector) -> Vector:
    """One value for each set of values that the labels ``by`` have; nothing of nothing."""
    groups: dict[Labels, list[float]] = {}
    for labels, value in vector.items():
        groups.setdefault(keep(labels, by), []).append(value)
    of_values = OF_VALUES[aggregation]
    return {labels: of_values(values) for labels, values in groups.items()}
