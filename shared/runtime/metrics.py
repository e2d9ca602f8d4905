"""The metric catalogue: every metric that any process exposes is declared here, once.

Services take their instruments from :class:`Instruments`; the metrics page and dashboards are
generated from :data:`METRICS`. A test fails for a name used elsewhere that is not declared here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import prometheus_client
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.process_collector import ProcessCollector

Kind = Literal["counter", "gauge", "histogram"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family as Prometheus shows it."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    producers: tuple[str, ...]
    buckets: tuple[float, ...] = _SECONDS
    absent: bool = False
    """A gauge without labels that has no series until it is set: 0 would say something untrue."""


_ALL: tuple[Metric, ...] = (
    Metric(
        "lakehouse_events_received_total",
        "counter",
        "Records or webhook deliveries taken in.",
        ("service", "topic"),
        ("ingest", "stream_writer"),
    ),
    Metric(
        "lakehouse_events_sent_total",
        "counter",
        "Records that the broker or the spool has for good, or rows committed to a table.",
        ("service", "topic"),
        ("ingest", "stream_writer"),
    ),
    Metric(
        "lakehouse_errors_total",
        "counter",
        "Errors by type; stage is receiving, processing or sending.",
        ("service", "error_type", "stage"),
        ("ingest", "stream_writer"),
    ),
    Metric(
        "lakehouse_dead_letters_total",
        "counter",
        "Dead letters published.",
        ("service", "topic", "reason"),
        ("ingest", "stream_writer"),
    ),
    Metric(
        "lakehouse_dead_letters_landed_total",
        "counter",
        "Dead letters that became rows, each once however often it was announced.",
        ("topic", "reason"),
        ("stream_writer",),
    ),
    Metric(
        "lakehouse_dead_letters_repeated_total",
        "counter",
        "Announcements of dead letters whose row was there already.",
        (),
        ("stream_writer",),
    ),
    Metric(
        "lakehouse_dead_letters_replayed_total",
        "counter",
        "Dead letters whose bytes an operator has sent again, by the topic that they went to.",
        ("topic",),
        ("stream_writer",),
    ),
    Metric(
        "lakehouse_requests_refused_total",
        "counter",
        "Requests answered with a problem, by the source whose endpoint was meant and the reason.",
        ("source", "reason"),
        ("ingest",),
    ),
    Metric(
        "lakehouse_http_connections",
        "gauge",
        "Connections of senders that are open.",
        (),
        ("ingest",),
    ),
    Metric(
        "http_requests_total",
        "counter",
        "HTTP requests by route template, method and status class.",
        ("handler", "method", "status"),
        ("ingest",),
    ),
    Metric(
        "http_request_duration_seconds",
        "histogram",
        "Time to answer an HTTP request.",
        ("handler", "method"),
        ("ingest",),
    ),
    Metric(
        "lakehouse_spool_bytes",
        "gauge",
        "Bytes of an instance's spool on disk.",
        ("source",),
        ("ingest",),
    ),
    Metric(
        "lakehouse_spool_records",
        "gauge",
        "Records in the spool that the broker does not have yet.",
        ("source",),
        ("ingest",),
    ),
    Metric(
        "lakehouse_spool_oldest_age_seconds",
        "gauge",
        "Age of the oldest record in the spool, at most; 0 when there is none.",
        (),
        ("ingest",),
    ),
    Metric(
        "lakehouse_spool_spooled_total",
        "counter",
        "Records made durable in the spool.",
        ("source",),
        ("ingest",),
    ),
    Metric(
        "lakehouse_spool_replayed_total",
        "counter",
        "Records of the spool that the broker acknowledged.",
        ("topic",),
        ("ingest",),
    ),
    Metric(
        "lakehouse_spool_refused_total",
        "counter",
        "Records that the spool did not take: no room, or the disk failed.",
        ("source",),
        ("ingest",),
    ),
    Metric(
        "lakehouse_commit_duration_seconds",
        "histogram",
        "Time of one table commit, retries included.",
        ("service", "table"),
        ("stream_writer",),
    ),
    Metric(
        "lakehouse_commits_total",
        "counter",
        "Table commits by outcome: committed, conflict, unknown, covered or failed.",
        ("service", "table", "outcome"),
        ("stream_writer",),
    ),
    Metric(
        "lakehouse_table_freshness_seconds",
        "histogram",
        "From receipt of a delivery to its row being readable.",
        ("table",),
        ("stream_writer",),
        buckets=(0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300),
    ),
    Metric(
        "lakehouse_buffered_bytes",
        "gauge",
        "Bytes read from the broker and not yet committed.",
        ("table",),
        ("stream_writer",),
    ),
    Metric(
        "lakehouse_partition_stopped",
        "gauge",
        "1 while a partition is not consumed; the reason says why.",
        ("topic", "partition", "reason"),
        ("stream_writer",),
    ),
    Metric(
        "lakehouse_table_position",
        "gauge",
        "Next offset recorded in the table.",
        ("table", "topic", "partition"),
        ("stream_writer",),
    ),
    Metric(
        "lakehouse_drifted_rows_total",
        "counter",
        "Rows with a value that did not fit its column.",
        ("table",),
        ("stream_writer",),
    ),
    Metric(
        "lakehouse_replayed_rows_total",
        "counter",
        "Rows whose delivery id had been landed before.",
        ("table",),
        ("stream_writer",),
    ),
    Metric(
        "lakehouse_redelivered_rows_total",
        "counter",
        "Rows of events that their vendor had delivered before, among the latest of a table.",
        ("table",),
        ("stream_writer",),
    ),
    Metric(
        "lakehouse_exports_total",
        "counter",
        "Announced files by outcome: loaded or refused.",
        ("table", "outcome"),
        ("stream_writer",),
    ),
    Metric(
        "lakehouse_export_rows_total",
        "counter",
        "Rows of loaded files by what became of them: inserted (bad ones are among these), present "
        "before, or repeated within the file.",
        ("table", "what"),
        ("stream_writer",),
    ),
    Metric(
        "lakehouse_export_duration_seconds",
        "histogram",
        "Time from opening a file to its rows being committed.",
        ("table",),
        ("stream_writer",),
        buckets=(0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800),
    ),
    Metric(
        "lakehouse_snapshots_retained",
        "gauge",
        "Snapshots kept by the thinning plan.",
        ("table",),
        ("stream_writer",),
    ),
    Metric(
        "lakehouse_announcements_pending",
        "gauge",
        "Commits not yet acknowledged on lakehouse.commits.",
        ("table",),
        ("stream_writer", "transformer"),
    ),
    Metric(
        "lakehouse_build_seconds",
        "histogram",
        "Duration of a build, waiting for a worker left out; mode is incremental, full or nothing.",
        ("target", "mode"),
        ("transformer",),
        buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
    ),
    Metric(
        "lakehouse_builds_total",
        "counter",
        "Builds by outcome: succeeded, retried, gave_up or worker_died.",
        ("target", "outcome"),
        ("transformer",),
    ),
    Metric(
        "lakehouse_build_rows_total",
        "counter",
        "Rows by what builds did with them: read, added or removed.",
        ("target", "what"),
        ("transformer",),
    ),
    Metric(
        "lakehouse_build_bytes_total",
        "counter",
        "Bytes by what builds did with them: read or written.",
        ("target", "what"),
        ("transformer",),
    ),
    Metric(
        "lakehouse_build_failing",
        "gauge",
        "1 while the last build of a target failed and none has succeeded since.",
        ("target",),
        ("transformer",),
    ),
    Metric(
        "lakehouse_waves_open",
        "gauge",
        "Landing commits that some derived table does not hold yet; every worker counts all.",
        (),
        ("transformer",),
    ),
    Metric(
        "lakehouse_oldest_wave_age_seconds",
        "gauge",
        "Age of the oldest open wave, 0 when none is open; every worker counts all.",
        (),
        ("transformer",),
    ),
    Metric(
        "lakehouse_completeness_lag_records",
        "gauge",
        "Records that have landed and have not reached a derived table, when last compared.",
        ("table",),
        ("transformer",),
    ),
    Metric(
        "lakehouse_build_workers",
        "gauge",
        "Workers that can build.",
        (),
        ("transformer",),
    ),
    Metric(
        "iceberg_table_row_count",
        "gauge",
        "Rows of a table that readers see, when it was last looked at.",
        ("layer", "table"),
        ("maintainer",),
    ),
    Metric(
        "iceberg_table_file_count",
        "gauge",
        "Live data files of a table, when it was last looked at.",
        ("layer", "table"),
        ("maintainer",),
    ),
    Metric(
        "iceberg_table_snapshot_count",
        "gauge",
        "Retained snapshots of a table, when it was last looked at.",
        ("layer", "table"),
        ("maintainer",),
    ),
    Metric(
        "lakehouse_maintenance_jobs_total",
        "counter",
        "Maintenance jobs by outcome: succeeded, skipped or failed.",
        ("table", "maintenance_job", "outcome"),
        ("maintainer",),
    ),
    Metric(
        "lakehouse_maintenance_bytes_total",
        "counter",
        "Bytes by what maintenance did with them: written, freed, or wasted on rewrites in vain.",
        ("table", "what"),
        ("maintainer",),
    ),
    Metric(
        "lakehouse_maintenance_undeleted_files_total",
        "counter",
        "Files that maintenance was to delete and could not.",
        ("table", "maintenance_job"),
        ("maintainer",),
    ),
    Metric(
        "lakehouse_maintenance_failing",
        "gauge",
        "1 while the last look at a table, or job of it that came of itself, failed, is still due, "
        "and none has succeeded since.",
        ("table", "maintenance_job"),
        ("maintainer",),
    ),
    Metric(
        "maintenance_job_duration_seconds",
        "gauge",
        "Duration of the last job of this kind, of any table of the worker.",
        ("maintenance_job",),
        ("maintainer",),
    ),
    Metric(
        "maintenance_job_last_success_timestamp",
        "gauge",
        "When a job of this kind last ended well, for any table of the worker; unix seconds.",
        ("maintenance_job",),
        ("maintainer",),
    ),
    Metric(
        "maintenance_job_last_failure_timestamp",
        "gauge",
        "When a job of this kind last failed, for any table of the worker; unix seconds.",
        ("maintenance_job",),
        ("maintainer",),
    ),
    Metric(
        "entity_resolution_coverage_percent",
        "gauge",
        "Per cent of the staged ids of a source that the entity index has, when last checked; no "
        "series of a source without any. The maintainer that checks the index tells it.",
        ("source",),
        ("maintainer",),
    ),
    Metric(
        "entity_resolution_duplicate_mappings",
        "gauge",
        "Records with more than one row in the entity index, when last checked; no series before. "
        "The maintainer that checks the index tells it.",
        (),
        ("maintainer",),
        absent=True,
    ),
)

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})


class AbsentGauge(Gauge):
    """A gauge without labels that is exposed only while it has a value."""

    _known = False

    def set(self, value: float) -> None:
        """Give it a value: from now on it is exposed."""
        super().set(value)
        self._known = True

    def forget(self) -> None:
        """It has no value any more, and is not exposed."""
        self._known = False

    def collect(self) -> Iterable[prometheus_client.Metric]:
        """What is exposed."""
        return super().collect() if self._known else ()


class Instruments:
    """The instruments of one process, made from the catalogue on a registry of its own."""

    def __init__(self, service: str) -> None:
        self.service = service
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        self._before_exposition: list[Callable[[], None]] = []
        for metric in _ALL:
            if service not in metric.producers:
                continue
            if metric.kind == "counter":
                self._counters[metric.name] = Counter(
                    metric.name, metric.help, metric.labels, registry=self.registry
                )
            elif metric.kind == "gauge":
                kind = AbsentGauge if metric.absent else Gauge
                self._gauges[metric.name] = kind(
                    metric.name, metric.help, metric.labels, registry=self.registry
                )
            else:
                self._histograms[metric.name] = Histogram(
                    metric.name,
                    metric.help,
                    metric.labels,
                    registry=self.registry,
                    buckets=metric.buckets,
                )

    def counter(self, name: str) -> Counter:
        """Declared counter. Raises ``KeyError`` when this service does not declare it."""
        return self._counters[name]

    def gauge(self, name: str) -> Gauge:
        """Declared gauge. Raises ``KeyError`` when this service does not declare it."""
        return self._gauges[name]

    def absent_gauge(self, name: str) -> AbsentGauge:
        """Declared gauge that is absent until it is set; raises as :meth:`gauge`."""
        found = self._gauges[name]
        if not isinstance(found, AbsentGauge):
            raise KeyError(name)
        return found

    def histogram(self, name: str) -> Histogram:
        """Declared histogram. Raises ``KeyError`` when this service does not declare it."""
        return self._histograms[name]

    def before_exposition(self, flush: Callable[[], None]) -> None:
        """Call ``flush`` before each scrape: hot paths may count in plain integers until then."""
        self._before_exposition.append(flush)

    def exposition(self) -> bytes:
        """Prometheus text format of everything this process measures."""
        for flush in self._before_exposition:
            flush()
        return generate_latest(self.registry)


def observe_all(histogram: Histogram, below: Callable[[float], int], total: float) -> None:
    """Add many observations at once: one by one they would hold up the event loop.

    Args:
        histogram: a labelled child.
        below: how many of the observations are not above a bound.
        total: their sum.
    """
    counted = 0
    for bucket, bound in zip(histogram._buckets, histogram._upper_bounds, strict=True):
        reached = below(bound)
        bucket.inc(reached - counted)
        counted = reached
    histogram._sum.inc(total)
