"""What the worker measures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from services.transformer.dispatching.table_outboxes import TableOutboxes
from services.transformer.reconciling.survey import Looked
from services.transformer.workers.pool import Pool
from shared.contracts.builds import BuildFailed, BuildSucceeded
from shared.contracts.event import Event
from shared.runtime.metrics import Instruments
from shared.runtime.open_waves import Waves


class BuildMetrics:
    """The instruments, fed by build events and surveys; gauges are read when scraped."""

    def __init__(
        self, instruments: Instruments, waves: Waves, pool: Pool, outboxes: TableOutboxes
    ) -> None:
        self._waves, self._pool, self._outboxes = waves, pool, outboxes
        self._told: set[str] = set()
        self._seconds = instruments.histogram("lakehouse_build_seconds")
        self._builds = instruments.counter("lakehouse_builds_total")
        self._rows = instruments.counter("lakehouse_build_rows_total")
        self._bytes = instruments.counter("lakehouse_build_bytes_total")
        self._failing = instruments.gauge("lakehouse_build_failing")
        self._open = instruments.gauge("lakehouse_waves_open")
        self._age = instruments.gauge("lakehouse_oldest_wave_age_seconds")
        self._behind = instruments.gauge("lakehouse_completeness_lag_records")
        self._workers = instruments.gauge("lakehouse_build_workers")
        self._pending = instruments.gauge("lakehouse_announcements_pending")
        instruments.before_exposition(self._read)

    def own(self, targets: Collection[str]) -> None:
        """These targets are ours: what another worker builds now is told there, and only there."""
        for gone in self._told - set(targets):
            self._failing.remove(gone)
            self._behind.remove(gone)
        self._told.intersection_update(targets)

    def event(self, event: Event) -> None:
        """A build has ended."""
        if isinstance(event, BuildSucceeded):
            self._succeeded(event)
        elif isinstance(event, BuildFailed):
            died = event.error_type == "WorkerDied"
            outcome = "worker_died" if died else "retried" if event.will_retry else "gave_up"
            self._builds.labels(event.target, outcome).inc()
            self._failing.labels(event.target).set(1)
            self._told.add(event.target)

    def looked(self, found: Mapping[str, Looked]) -> None:
        """Owned targets were looked at."""
        for target, each in found.items():
            if each.state is None:
                self._behind.remove(target)
            else:
                self._behind.labels(target).set(each.behind)
                self._told.add(target)

    def _succeeded(self, event: BuildSucceeded) -> None:
        self._seconds.labels(event.target, event.mode).observe(event.seconds)
        self._builds.labels(event.target, "succeeded").inc()
        self._failing.labels(event.target).set(0)
        self._told.add(event.target)
        rows = {"read": event.rows_read, "added": event.rows_added, "removed": event.rows_removed}
        for what, count in rows.items():
            self._rows.labels(event.target, what).inc(count)
        self._bytes.labels(event.target, "read").inc(event.bytes_read)
        self._bytes.labels(event.target, "written").inc(event.bytes_written)

    def _read(self) -> None:
        oldest = self._waves.oldest()
        age = 0.0
        if oldest is not None:
            age = max(0.0, (datetime.now(UTC) - oldest.committed_at).total_seconds())
        self._open.set(self._waves.open())
        self._age.set(age)
        self._workers.set(self._pool.size)
        self._pending.clear()
        for table, pending in self._outboxes.pending.items():
            self._pending.labels(table).set(pending)
