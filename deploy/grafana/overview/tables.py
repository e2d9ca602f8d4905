"""Tables: how fresh they are, what is being built, what shape they are in."""

from __future__ import annotations

from deploy.grafana.expressions import age, largest, quantile, rate, summed
from deploy.grafana.panel import Panel, Query, Row

FRESHNESS = Row(
    "Freshness of each table",
    (
        Panel(
            "Staleness of derived tables",
            "Age of the oldest landing commit that a table does not hold yet; 0 when it holds all. "
            "A quiet night is not stale.",
            (Query(largest("lakehouse_table_staleness_seconds", "table"), "{{table}}"),),
            unit="s",
            warn=60,
            alarm=600,
            width=8,
        ),
        Panel(
            "Receipt to row",
            "Of the slowest rows of each table's last commit.",
            (Query(largest("lakehouse_table_delay_seconds", "table"), "{{table}}"),),
            unit="s",
            warn=60,
            alarm=600,
            width=8,
        ),
        Panel(
            "Objective missed",
            "Red while rows take longer than the objective of the table's layer.",
            (Query(largest("lakehouse_table_objective_missed", "table"), "{{table}}"),),
            kind="states",
            names=((0, "kept"), (1, "missed")),
            alarm=1,
            width=8,
        ),
        Panel(
            "Last commit",
            "Seconds since the last announced commit of each table.",
            (Query(age("lakehouse_table_last_commit_timestamp_seconds", "layer, table")),),
            kind="table",
            unit="s",
            width=12,
        ),
        Panel(
            "Silence of landing tables, of what is normal",
            "Above 1 a source is silent for longer than is normal for it.",
            (
                Query(
                    f"{largest('lakehouse_landing_silence_seconds', 'table')} / "
                    f"{largest('lakehouse_landing_expected_silence_seconds', 'table')}",
                    "{{table}}",
                ),
            ),
            unit="percentunit",
            alarm=1,
            width=12,
            quiet="what is normal is known after a day and twenty arrivals, unless it is declared",
        ),
    ),
)

WAVES = Row(
    "Waves and builds",
    (
        Panel(
            "Age of open waves",
            "Of the oldest commit of a landing table that some derived table does not hold yet.",
            (Query(largest("lakehouse_wave_age_seconds", "table"), "{{table}}"),),
            unit="s",
            warn=600,
            alarm=6 * 3600,
        ),
        Panel(
            "Open waves",
            "Landing commits that some derived table does not hold yet.",
            (Query(largest("lakehouse_waves_open"), "open"),),
        ),
        Panel(
            "Builds",
            "Builds a second by outcome.",
            (Query(rate("lakehouse_builds_total", "outcome"), "{{outcome}}"),),
            kind="areas",
            unit="ops",
        ),
        Panel(
            "Time of builds, p99",
            "By derived table; waiting for a worker is left out.",
            (Query(quantile(0.99, "lakehouse_build_seconds", "target"), "{{target}}"),),
            unit="s",
        ),
        Panel(
            "Failures in a row",
            "Builds of a derived table that failed one after the other, up to the last one.",
            (Query(largest("lakehouse_target_failures", "target"), "{{target}}"),),
            warn=1,
            alarm=3,
            width=12,
        ),
        Panel(
            "Workers that can build",
            "Of all transformers.",
            (Query(summed("lakehouse_build_workers"), "workers"),),
            width=12,
        ),
    ),
)

MAINTENANCE = Row(
    "Shape of tables and maintenance",
    (
        Panel(
            "Data files",
            "Live data files of each table.",
            (Query(largest("iceberg_table_file_count", "table"), "{{table}}"),),
        ),
        Panel(
            "Data files that nobody compacts",
            "Beyond those that compaction left as they are. Above 100 for an hour "
            "TableNeedsCompaction fires.",
            (Query(largest("lakehouse_table_uncompacted_files", "table"), "{{table}}"),),
            warn=100,
        ),
        Panel(
            "Snapshots, of their limit",
            "At 1 there are as many snapshots as should never be: expiry does not keep up.",
            (
                Query(
                    f"{largest('iceberg_table_snapshot_count', 'table')} / "
                    f"{largest('lakehouse_table_snapshot_limit', 'table')}",
                    "{{table}}",
                ),
            ),
            unit="percentunit",
            alarm=1,
        ),
        Panel(
            "Failed jobs",
            "1 while the last run of a job failed that came of itself.",
            (
                Query(
                    largest("lakehouse_maintenance_job_failed", "table, maintenance_job"),
                    "{{maintenance_job}} of {{table}}",
                ),
            ),
            alarm=1,
            quiet="no job has been due since the tables began",
        ),
        Panel(
            "Rows",
            "That readers see, by table.",
            (Query(largest("iceberg_table_row_count", "layer, table")),),
            kind="table",
            width=24,
        ),
    ),
)
