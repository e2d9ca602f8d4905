"""What maintainer measures."""

from __future__ import annotations

from shared.runtime.metrics.metric import Metric

DECLARED: tuple[Metric, ...] = (
    Metric(
        "lakehouse_maintenance_jobs_total",
        "counter",
        "jobs",
        ("table", "maintenance_job", "outcome"),
        "Maintenance jobs by outcome: succeeded, skipped or failed.",
        ("maintainer",),
    ),
    Metric(
        "lakehouse_maintenance_bytes_total",
        "counter",
        "bytes",
        ("table", "what"),
        "Bytes by what maintenance did with them: written, freed, or wasted on rewrites in vain.",
        ("maintainer",),
    ),
    Metric(
        "lakehouse_maintenance_undeleted_files_total",
        "counter",
        "files",
        ("table", "maintenance_job"),
        "Files that maintenance was to delete and could not.",
        ("maintainer",),
    ),
    Metric(
        "lakehouse_maintenance_failing",
        "gauge",
        "0 or 1",
        ("table", "maintenance_job"),
        "1 while the last look at a table, or job of it that came of itself, failed, is still "
        "due, and none has succeeded since.",
        ("maintainer",),
    ),
    Metric(
        "maintenance_job_duration_seconds",
        "gauge",
        "seconds",
        ("maintenance_job",),
        "Duration of the last job of this kind, of any table of the worker.",
        ("maintainer",),
    ),
    Metric(
        "maintenance_job_last_success_timestamp",
        "gauge",
        "unix seconds",
        ("maintenance_job",),
        "When a job of this kind last ended well, for any table of the worker; unix seconds.",
        ("maintainer",),
    ),
    Metric(
        "maintenance_job_last_failure_timestamp",
        "gauge",
        "unix seconds",
        ("maintenance_job",),
        "When a job of this kind last failed, for any table of the worker; unix seconds.",
        ("maintainer",),
    ),
)
