"""What alerter knows of tables, from the events of their commits, builds and maintenance."""

from __future__ import annotations

from shared.runtime.metrics.declared.signal import counter, gauge
from shared.runtime.metrics.metric import Metric

_TABLE = ("layer", "table")

DECLARED: tuple[Metric, ...] = (
    gauge(
        "iceberg_table_row_count",
        "rows",
        _TABLE,
        "Rows of a table that readers see, after the last commit that was announced.",
    ),
    gauge(
        "iceberg_table_file_count",
        "files",
        _TABLE,
        "Live data files of a table, after the last commit that was announced.",
    ),
    gauge(
        "lakehouse_table_uncompacted_files",
        "files",
        _TABLE,
        "Live data files of a table beyond those that maintainer left, or found nothing to do "
        "about, when it last told of a compaction; all of them where it told of none.",
    ),
    gauge(
        "iceberg_table_snapshot_count",
        "snapshots",
        _TABLE,
        "Retained snapshots of a table, after the last commit that was announced.",
    ),
    gauge(
        "lakehouse_table_snapshot_limit",
        "snapshots",
        _TABLE,
        "Snapshots of a table that are too many: half as many again as thinning leaves of its "
        "commits (all of two minutes, one a minute of an hour, one an hour of a week), and never "
        "less than 50; of the time before this alerter knows of commits as many as there may be.",
    ),
    gauge(
        "lakehouse_table_last_commit_timestamp_seconds",
        "unix seconds",
        _TABLE,
        "When the last announced commit of a table was.",
    ),
    gauge(
        "lakehouse_table_staleness_seconds",
        "seconds",
        _TABLE,
        "Age of the oldest landing commit that a derived table does not hold yet; 0 when it holds "
        "all of them.",
    ),
    gauge(
        "lakehouse_table_delay_seconds",
        "seconds",
        _TABLE,
        "From receipt to being readable, of the slowest rows of the last commit; of a derived "
        "table its staleness, where that is more.",
    ),
    gauge(
        "lakehouse_table_objective_missed",
        "0 or 1",
        _TABLE,
        "1 while the delay of a table is above the objective of its layer; 0 when nothing moves.",
    ),
    gauge(
        "lakehouse_landing_silence_seconds",
        "seconds",
        ("table",),
        "Since the last commit that brought rows to a landing table.",
    ),
    gauge(
        "lakehouse_landing_expected_silence_seconds",
        "seconds",
        ("table",),
        "The longest silence of a landing table that is normal: declared, set, or learned from "
        "the last seven days; no series before it is known.",
    ),
    gauge(
        "lakehouse_wave_age_seconds",
        "seconds",
        ("table",),
        "Age of the oldest commit of a landing table that some derived table does not hold yet; "
        "0 when there is none.",
    ),
    gauge(
        "iceberg_pipeline_last_success_timestamp",
        "seconds",
        ("dag_id",),
        "When the last run ended well, unix seconds: a commit of a landing table was in everything "
        "that is derived from it.",
    ),
    gauge(
        "iceberg_pipeline_last_failure_timestamp",
        "seconds",
        ("dag_id",),
        "When a build was last given up until the next commit or a longer pause; unix seconds.",
    ),
    gauge(
        "iceberg_pipeline_run_duration_seconds",
        "seconds",
        ("dag_id",),
        "How long the last run took, from the commit of the landing table.",
    ),
    gauge(
        "lakehouse_target_failed",
        "0 or 1",
        ("target",),
        "1 while the last build of a derived table failed and inputs of it are unprocessed.",
    ),
    gauge(
        "lakehouse_target_failures",
        "builds",
        ("target",),
        "Builds of a derived table that failed in a row, up to the last one.",
    ),
    gauge(
        "lakehouse_maintenance_job_failed",
        "0 or 1",
        ("maintenance_job", "table"),
        "1 while the last run of a maintenance job failed; runs that operators asked for are left "
        "out.",
    ),
    gauge(
        "entity_resolution_coverage_percent",
        "percent",
        ("source",),
        "Per cent of the staged ids of a source that the entity index has, when last checked; no "
        "series of a source without any.",
    ),
    gauge(
        "entity_resolution_duplicate_mappings",
        "records",
        (),
        "Records with more than one row in the entity index, when last checked; no series before.",
    ),
    counter(
        "lakehouse_rows_landed_total",
        "rows",
        ("table",),
        "Rows that commits brought to a landing table, since this alerter follows them.",
    ),
    counter(
        "lakehouse_rows_bad_total",
        "rows",
        ("table",),
        "Those of them that hold a record that could not be read.",
    ),
    counter(
        "lakehouse_rows_judged_total",
        "records",
        ("table",),
        "Records of a landing table that the rules of staging judged for the first time, since "
        "this alerter follows them; rebuilds judge nothing for the first time.",
    ),
    counter(
        "lakehouse_rows_quarantined_total",
        "rows",
        ("table",),
        "Those of them that were refused, by the landing table that they came from.",
    ),
    gauge(
        "lakehouse_reader_floor_age_seconds",
        "seconds",
        ("table", "reader"),
        "How long a reader has recorded a state of a table that newer commits have superseded, and "
        "so keeps its old files; 0 when it has read the head.",
    ),
)
