"""The page of metrics."""

from __future__ import annotations

from deploy.reference import markdown
from shared.runtime.metrics import METRICS, Metric

_INTRODUCTION = (
    "Every service answers `GET /metrics` in Prometheus' text format with its metrics below, and "
    "with the `process_…` metrics of its own process."
)


def page() -> str:
    """``deploy/reference/metrics.md``."""
    overview = markdown.table(
        ("metric", "type", "unit", "labels", "exposed by", "meaning"),
        [_row(metric) for metric in METRICS.values()],
    )
    buckets = markdown.table(
        ("histogram", "upper bounds of its buckets"),
        [
            (markdown.code(metric.name), " ".join(f"{bound:g}" for bound in metric.buckets))
            for metric in METRICS.values()
            if metric.kind == "histogram"
        ],
    )
    return markdown.page(
        "Metrics",
        "shared/runtime/metrics/declared",
        _INTRODUCTION,
        [overview, "## Buckets", buckets],
    )


def _row(metric: Metric) -> tuple[str, ...]:
    return (
        markdown.code(metric.name),
        metric.kind,
        metric.unit,
        markdown.codes(metric.labels),
        ", ".join(metric.producers),
        metric.help,
    )
