"""What follows from what: while storage, catalog or broker are down, nobody is told the rest."""

from __future__ import annotations

from shared.alerting.notifying.inhibition import Inhibition
from shared.contracts.alerts import Matcher

WORK = (
    "PipelineFailure",
    "PipelineDurationHigh",
    "PipelineStale",
    "BuildFailingRepeatedly",
    "StagingDataStale",
    "FreshnessObjectiveBurn",
    "RawDataIngestionStopped",
    "KafkaConsumerLagHigh",
    "CompactionJobFailed",
    "ReaderHoldsFloor",
)
"""Alerts that come when tables cannot be read or written."""

FLOW = (
    "PipelineDurationHigh",
    "PipelineStale",
    "StagingDataStale",
    "FreshnessObjectiveBurn",
    "RawDataIngestionStopped",
    "KafkaConsumerLagHigh",
    "ConsumerGroupGone",
    "SpoolInUse",
)
"""Alerts that come when no events flow."""


def _explains(causes: tuple[str, ...], consequences: tuple[str, ...]) -> Inhibition:
    # Early: builds fail within seconds, and a probe has to fail for a minute.
    return Inhibition(
        source=(Matcher(label="alertname", op="=~", value="|".join(causes)),),
        target=(Matcher(label="alertname", op="=~", value="|".join(consequences)),),
        early=True,
    )


BUILT_IN = (
    _explains(("MinIODown", "IcebergCatalogDown"), WORK),
    _explains(("RedpandaDown",), FLOW),
    # Three failures in a row say more than the last one of them.
    Inhibition(
        source=(Matcher(label="alertname", value="BuildFailingRepeatedly"),),
        target=(Matcher(label="alertname", value="PipelineFailure"),),
        equal=("target",),
    ),
)
"""Inhibitions that are in force beside a project's own."""
