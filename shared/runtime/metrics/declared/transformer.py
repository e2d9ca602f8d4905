"""What transformer measures."""

from __future__ import annotations

from shared.runtime.metrics.metric import Metric

DECLARED: tuple[Metric, ...] = (
    Metric(
        "lakehouse_build_seconds",
        "histogram",
        "seconds",
        ("target", "mode"),
        "Duration of a build, waiting for a worker left out; mode is incremental, full or nothing.",
        ("transformer",),
        buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
    ),
    Metric(
        "lakehouse_builds_total",
        "counter",
        "builds",
        ("target", "outcome"),
        "Builds by outcome: succeeded, retried, gave_up or worker_died.",
        ("transformer",),
    ),
    Metric(
        "lakehouse_build_rows_total",
        "counter",
        "rows",
        ("target", "what"),
        "Rows by what builds did with them: read, added or removed.",
        ("transformer",),
    ),
    Metric(
        "lakehouse_build_bytes_total",
        "counter",
        "bytes",
        ("target", "what"),
        "Bytes by what builds did with them: read or written.",
        ("transformer",),
    ),
    Metric(
        "lakehouse_build_failing",
        "gauge",
        "0 or 1",
        ("target",),
        "1 while the last build of a target failed and none has succeeded since.",
        ("transformer",),
    ),
    Metric(
        "lakehouse_waves_open",
        "gauge",
        "commits",
        (),
        "Landing commits that some derived table does not hold yet; every worker counts all.",
        ("transformer",),
    ),
    Metric(
        "lakehouse_oldest_wave_age_seconds",
        "gauge",
        "seconds",
        (),
        "Age of the oldest open wave, 0 when none is open; every worker counts all.",
        ("transformer",),
    ),
    Metric(
        "lakehouse_completeness_lag_records",
        "gauge",
        "records",
        ("table",),
        "Records that have landed and have not reached a derived table, when last compared.",
        ("transformer",),
    ),
    Metric(
        "lakehouse_build_workers",
        "gauge",
        "workers",
        (),
        "Workers that can build.",
        ("transformer",),
    ),
)
