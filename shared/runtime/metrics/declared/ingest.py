"""What ingest measures."""

from __future__ import annotations

from shared.runtime.metrics.metric import Metric

DECLARED: tuple[Metric, ...] = (
    Metric(
        "lakehouse_requests_refused_total",
        "counter",
        "requests",
        ("source", "reason"),
        "Requests answered with a problem, by the source whose endpoint was meant and the reason.",
        ("ingest",),
    ),
    Metric(
        "lakehouse_http_connections",
        "gauge",
        "connections",
        (),
        "Connections of senders that are open.",
        ("ingest",),
    ),
    Metric(
        "http_requests_total",
        "counter",
        "requests",
        ("handler", "method", "status"),
        "HTTP requests by route template, method and status class.",
        ("ingest",),
    ),
    Metric(
        "http_request_duration_seconds",
        "histogram",
        "seconds",
        ("handler", "method"),
        "Time to answer an HTTP request.",
        ("ingest",),
    ),
    Metric(
        "lakehouse_spool_bytes",
        "gauge",
        "bytes",
        ("source",),
        "Bytes of an instance's spool on disk.",
        ("ingest",),
    ),
    Metric(
        "lakehouse_spool_records",
        "gauge",
        "records",
        ("source",),
        "Records in the spool that the broker does not have yet.",
        ("ingest",),
    ),
    Metric(
        "lakehouse_spool_oldest_age_seconds",
        "gauge",
        "seconds",
        (),
        "Age of the oldest record in the spool, at most; 0 when there is none.",
        ("ingest",),
    ),
    Metric(
        "lakehouse_spool_spooled_total",
        "counter",
        "records",
        ("source",),
        "Records made durable in the spool.",
        ("ingest",),
    ),
    Metric(
        "lakehouse_spool_replayed_total",
        "counter",
        "records",
        ("topic",),
        "Records of the spool that the broker acknowledged.",
        ("ingest",),
    ),
    Metric(
        "lakehouse_spool_refused_total",
        "counter",
        "records",
        ("source",),
        "Records that the spool did not take: no room, or the disk failed.",
        ("ingest",),
    ),
)
