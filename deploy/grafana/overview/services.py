"""One row for each service: what it receives, sends, gets wrong, how long it takes, what waits."""

from __future__ import annotations

from deploy.grafana.expressions import largest, quantile, rate, summed
from deploy.grafana.panel import Panel, Query, Row, Unit

NO_ERRORS = "there is a series only of what went wrong since the service started"
NO_SPOOL = "the spool has not been used since ingest started"
_BACKLOG = "What waits. It rises when the service does not keep up."


def _latency(*expressions: tuple[str, str], quiet: str = "") -> Panel:
    return Panel(
        "Time it takes",
        "Half of all take no longer than p50, all but one in a hundred no longer than p99.",
        tuple(Query(expression, legend) for legend, expression in expressions),
        unit="s",
        width=5,
        quiet=quiet,
    )


def _panel(
    title: str,
    description: str,
    *queries: Query,
    unit: Unit = "short",
    width: int = 5,
    quiet: str = "",
) -> Panel:
    return Panel(title, description, queries, unit=unit, width=width, quiet=quiet)


def _errors(*queries: Query, unit: Unit = "ops") -> Panel:
    return Panel(
        "Errors",
        "What went wrong, a second, by kind.",
        queries,
        unit=unit,
        warn=0.000001,
        width=4,
        quiet=NO_ERRORS,
    )


_REQUEST = "http_request_duration_seconds"
_WEBHOOKS = 'handler=~"/(webhooks|ingest)/.*"'

INGEST = Row(
    "ingest: webhooks to topics",
    (
        _panel(
            "Received",
            "Deliveries a second by topic, answered or refused.",
            Query(
                rate("lakehouse_events_received_total", "topic", 'service="ingest"'), "{{topic}}"
            ),
            unit="reqps",
        ),
        _panel(
            "Sent",
            "Records a second that the broker, or the spool, has for good.",
            Query(rate("lakehouse_events_sent_total", "topic", 'service="ingest"'), "{{topic}}"),
            unit="recps",
        ),
        _errors(
            Query(
                rate("lakehouse_errors_total", "error_type, stage", 'service="ingest"'),
                "{{error_type}}, {{stage}}",
            ),
            Query(
                rate("lakehouse_requests_refused_total", "source, reason"),
                "refused: {{source}}, {{reason}}",
            ),
        ),
        _latency(
            ("p50", quantile(0.5, _REQUEST, where=_WEBHOOKS)),
            ("p99", quantile(0.99, _REQUEST, where=_WEBHOOKS)),
        ),
        _panel(
            "Waiting",
            f"{_BACKLOG} Records in the spool that the broker does not have yet.",
            Query(summed("lakehouse_spool_records", "source"), "{{source}}"),
            quiet=NO_SPOOL,
        ),
    ),
)

STREAM_WRITER = Row(
    "stream_writer: topics to landing tables",
    (
        _panel(
            "Received",
            "Records a second by topic.",
            Query(
                rate("lakehouse_events_received_total", "topic", 'service="stream_writer"'),
                "{{topic}}",
            ),
            unit="recps",
        ),
        _panel(
            "Sent",
            "Rows a second committed to tables, by topic.",
            Query(
                rate("lakehouse_events_sent_total", "topic", 'service="stream_writer"'),
                "{{topic}}",
            ),
            unit="recps",
        ),
        _errors(
            Query(
                rate("lakehouse_errors_total", "error_type, stage", 'service="stream_writer"'),
                "{{error_type}}, {{stage}}",
            ),
            Query(
                rate("lakehouse_commits_total", "outcome", 'outcome!="committed"'),
                "commits: {{outcome}}",
            ),
        ),
        _latency(
            ("receipt to row, p50", quantile(0.5, "lakehouse_table_freshness_seconds")),
            ("receipt to row, p99", quantile(0.99, "lakehouse_table_freshness_seconds")),
            ("commit, p99", quantile(0.99, "lakehouse_commit_duration_seconds")),
        ),
        _panel(
            "Waiting",
            f"{_BACKLOG} Bytes read from the broker and not yet committed, by table.",
            Query(summed("lakehouse_buffered_bytes", "table"), "{{table}}"),
            unit="bytes",
        ),
    ),
)

TRANSFORMER = Row(
    "transformer: landing tables to marts",
    (
        _panel(
            "Received",
            "Rows a second that builds read, by derived table.",
            Query(rate("lakehouse_build_rows_total", "target", 'what="read"'), "{{target}}"),
            unit="recps",
        ),
        _panel(
            "Sent",
            "Rows a second that builds added, by derived table.",
            Query(rate("lakehouse_build_rows_total", "target", 'what="added"'), "{{target}}"),
            unit="recps",
        ),
        _errors(
            Query(
                rate("lakehouse_builds_total", "target, outcome", 'outcome!="succeeded"'),
                "{{target}}: {{outcome}}",
            ),
        ),
        _latency(
            ("p50", quantile(0.5, "lakehouse_build_seconds")),
            ("p99", quantile(0.99, "lakehouse_build_seconds")),
        ),
        _panel(
            "Waiting",
            f"{_BACKLOG} Records that have landed and have not reached a derived table.",
            Query(largest("lakehouse_completeness_lag_records", "table"), "{{table}}"),
        ),
    ),
)

_NO_JOB = "no job has been due since the service started"

MAINTAINER = Row(
    "maintainer: compaction, expiry, orphans",
    (
        _panel(
            "Jobs",
            "Jobs a second by kind and outcome.",
            Query(
                rate("lakehouse_maintenance_jobs_total", "maintenance_job, outcome"),
                "{{maintenance_job}}: {{outcome}}",
            ),
            unit="ops",
            quiet=_NO_JOB,
        ),
        _panel(
            "Bytes",
            "Bytes a second that jobs wrote, freed, or wasted on rewrites in vain.",
            Query(rate("lakehouse_maintenance_bytes_total", "what"), "{{what}}"),
            unit="Bps",
            quiet=_NO_JOB,
        ),
        _panel(
            "Failing",
            "1 while the last job of a table failed and is still due.",
            Query(
                largest("lakehouse_maintenance_failing", "table, maintenance_job"),
                "{{maintenance_job}} of {{table}}",
            ),
            width=4,
            quiet=NO_ERRORS,
        ),
        _panel(
            "Time it takes",
            "Duration of the last job of each kind.",
            Query(
                largest("maintenance_job_duration_seconds", "maintenance_job"),
                "{{maintenance_job}}",
            ),
            unit="s",
            quiet=_NO_JOB,
        ),
        _panel(
            "Left behind",
            "Files that were to be deleted and could not, in the last hour.",
            Query(
                rate("lakehouse_maintenance_undeleted_files_total", "table"),
                "{{table}}",
            ),
            quiet=NO_ERRORS,
        ),
    ),
)

_NO_RECEIVER = "no receiver is configured"

ALERTER = Row(
    "alerter: signals to people",
    (
        _panel(
            "Evaluated",
            "Passes of evaluation a second: rules that are due, and those whose signals changed.",
            Query(rate("lakehouse_alert_evaluation_seconds"), "passes"),
            unit="ops",
        ),
        _panel(
            "Told",
            "Notifications a second that receivers took.",
            Query(
                rate("lakehouse_notifications_total", "receiver", 'outcome="delivered"'),
                "{{receiver}}",
            ),
            unit="ops",
            quiet=_NO_RECEIVER,
        ),
        _panel(
            "Errors",
            "Notifications that were not taken, and whether a file of rules or routes is wrong.",
            Query(
                rate("lakehouse_notifications_total", "receiver, outcome", 'outcome!="delivered"'),
                "{{receiver}}: {{outcome}}",
            ),
            Query(largest("lakehouse_rules_broken"), "rules or routes broken"),
            width=4,
        ),
        _latency(
            ("a pass, p50", quantile(0.5, "lakehouse_alert_evaluation_seconds")),
            ("a pass, p99", quantile(0.99, "lakehouse_alert_evaluation_seconds")),
        ),
        _panel(
            "Waiting",
            f"{_BACKLOG} Notifications by receiver, and events that the broker does not have yet.",
            Query(summed("lakehouse_notification_queue", "receiver"), "{{receiver}}"),
            Query(summed("lakehouse_alerts_unpublished"), "events unpublished"),
        ),
    ),
)

SERVICES = (INGEST, STREAM_WRITER, TRANSFORMER, MAINTAINER, ALERTER)
