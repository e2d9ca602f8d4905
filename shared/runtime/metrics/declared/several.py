"""What several services measure."""

from __future__ import annotations

from shared.runtime.metrics.metric import Metric

DECLARED: tuple[Metric, ...] = (
    Metric(
        "lakehouse_events_received_total",
        "counter",
        "records",
        ("service", "topic"),
        "Records or webhook deliveries taken in.",
        ("ingest", "stream_writer"),
    ),
    Metric(
        "lakehouse_events_sent_total",
        "counter",
        "records",
        ("service", "topic"),
        "Records that the broker or the spool has for good, or rows committed to a table.",
        ("ingest", "stream_writer"),
    ),
    Metric(
        "lakehouse_errors_total",
        "counter",
        "errors",
        ("service", "error_type", "stage"),
        "Errors by type; stage is receiving, processing or sending.",
        ("ingest", "stream_writer"),
    ),
    Metric(
        "lakehouse_dead_letters_total",
        "counter",
        "dead letters",
        ("service", "topic", "reason"),
        "Dead letters published.",
        ("ingest", "stream_writer"),
    ),
    Metric(
        "lakehouse_announcements_pending",
        "gauge",
        "commits",
        ("table",),
        "Commits not yet acknowledged on lakehouse.commits.",
        ("stream_writer", "transformer"),
    ),
)
