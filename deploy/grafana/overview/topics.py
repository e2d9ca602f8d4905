"""Topics: who is behind, what could not be processed, what waits outside of the broker."""

from __future__ import annotations

from deploy.grafana.expressions import largest, seen, summed, total
from deploy.grafana.overview.services import NO_ERRORS, NO_SPOOL
from deploy.grafana.panel import Panel, Query, Row

LAG = Row(
    "Lag by group and topic",
    (
        Panel(
            "Records behind",
            "Of the committed offsets of a group. Above 10,000 for ten minutes "
            "KafkaConsumerLagHigh fires.",
            (
                Query(
                    largest("lakehouse_consumer_lag_records", "group, topic"),
                    "{{group}}: {{topic}}",
                ),
            ),
            warn=1000,
            alarm=10_000,
            width=16,
        ),
        Panel(
            "Members of groups",
            "Of the platform's services; 0 when a group is gone.",
            (Query(largest("lakehouse_consumer_group_members", "group"), "{{group}}"),),
            alarm=1,
            low_is_bad=True,
            width=8,
        ),
    ),
)

DEAD_LETTERS = Row(
    "Dead letters and bad rows",
    (
        Panel(
            "Dead letters",
            "Records a second that could not be processed, by the topic they came from. "
            "`bergline dlq list` shows them.",
            (Query(seen("lakehouse_dead_letters_seen_total", "topic"), "{{topic}}"),),
            unit="recps",
        ),
        Panel(
            "Dead letters by reason, last hour",
            "Those that became rows of `metadata.dead_letters`.",
            (
                Query(
                    total("lakehouse_dead_letters_landed_total", "topic, reason"),
                    "{{topic}}: {{reason}}",
                ),
            ),
            quiet=NO_ERRORS,
        ),
        Panel(
            "Share of bad records",
            "Rows of records that could not be read, of all rows that landed.",
            (
                Query(
                    f"{seen('lakehouse_rows_bad_total', 'table')} / "
                    f"({seen('lakehouse_rows_landed_total', 'table')} > 0)",
                    "{{table}}",
                ),
            ),
            unit="percentunit",
            warn=0.01,
            alarm=0.1,
        ),
        Panel(
            "Share of quarantined rows",
            "Rows that the rules of staging refused, of all that they judged.",
            (
                Query(
                    f"{seen('lakehouse_rows_quarantined_total', 'table')} / "
                    f"({seen('lakehouse_rows_judged_total', 'table')} > 0)",
                    "{{table}}",
                ),
            ),
            unit="percentunit",
            warn=0.01,
            alarm=0.1,
            quiet="there is a series only of landing tables whose staging table has such rules",
        ),
    ),
)

SPOOL = Row(
    "Spool of ingest",
    (
        Panel(
            "On disk",
            "Bytes by source. Above 0 while the broker does not take records.",
            (Query(summed("lakehouse_spool_bytes", "source"), "{{source}}"),),
            kind="areas",
            unit="bytes",
            width=8,
            quiet=NO_SPOOL,
        ),
        Panel(
            "Age of the oldest record",
            "Grows by a second a second while the broker is away.",
            (Query(largest("lakehouse_spool_oldest_age_seconds"), "oldest"),),
            unit="s",
            warn=60,
            width=8,
        ),
        Panel(
            "Since a spool was used",
            "By instance; 0 while it is, no series a day after.",
            (Query(largest("lakehouse_spool_seconds_since_used", "ingest_instance")),),
            kind="table",
            unit="s",
            width=8,
            quiet="no instance has used its spool for a day",
        ),
    ),
)

READERS = Row(
    "What holds things up",
    (
        Panel(
            "Partitions that are not consumed",
            "1 while a writer has stopped a partition, and why. The page of stream_writer in the "
            "runbook goes through the reasons.",
            (
                Query(
                    largest("lakehouse_partition_halted", "topic, partition, reason"),
                    "{{topic}}/{{partition}}: {{reason}}",
                ),
            ),
            kind="table",
            alarm=1,
            width=8,
            quiet="every partition is consumed",
        ),
        Panel(
            "Readers that hold old files",
            "How long a reader has recorded a state of a table that newer commits have superseded.",
            (
                Query(
                    largest("lakehouse_reader_floor_age_seconds", "table, reader"),
                    "{{reader}} reads {{table}}",
                ),
            ),
            unit="s",
            width=8,
        ),
        Panel(
            "Commits not announced",
            "Commits whose announcement the broker has not acknowledged, by table.",
            (Query(summed("lakehouse_announcements_pending", "table"), "{{table}}"),),
            warn=1,
            width=8,
        ),
    ),
)
