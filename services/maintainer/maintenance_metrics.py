"""What the worker measures."""

from __future__ import annotations

from collections.abc import Collection

from services.maintainer.tasks import IN_ORDER
from shared.contracts.event import Event
from shared.contracts.maintenance import JobName, MaintenanceFailed, MaintenanceSucceeded
from shared.runtime.metrics import Instruments

_WRITTEN = (("written", "bytes_written"), ("freed", "bytes_freed"), ("wasted", "bytes_wasted"))


class MaintenanceMetrics:
    """The instruments, fed by looks and events. Gauges tell of owned tables only."""

    def __init__(self, instruments: Instruments) -> None:
        self._failing = instruments.gauge("lakehouse_maintenance_failing")
        self._jobs = instruments.counter("lakehouse_maintenance_jobs_total")
        self._bytes = instruments.counter("lakehouse_maintenance_bytes_total")
        self._undeleted = instruments.counter("lakehouse_maintenance_undeleted_files_total")
        self._seconds = instruments.gauge("maintenance_job_duration_seconds")
        self._succeeded = instruments.gauge("maintenance_job_last_success_timestamp")
        self._failed = instruments.gauge("maintenance_job_last_failure_timestamp")
        self._told: set[tuple[str, str]] = set()

    def own(self, tables: Collection[str]) -> None:
        """These tables are ours: others are told of by their workers, and only there."""
        for table, job in [each for each in self._told if each[0] not in tables]:
            self._failing.remove(table, job)
            self._told.discard((table, job))

    def looked(self, table: str, due: Collection[JobName] = ()) -> None:
        """A table was looked at; a failure of what is not due any more is over."""
        self._fails(table, "look", failing=False)
        for job in set(IN_ORDER) - set(due):
            self._fails(table, job, failing=False)

    def not_looked(self, table: str) -> None:
        """A table could not be looked at."""
        self._fails(table, "look", failing=True)

    def event(self, event: Event) -> None:
        """A job has ended. A failed command is told to who gave it; the gauge of what fails is for
        what comes of itself, as only that is tried again until it succeeds."""
        if isinstance(event, MaintenanceSucceeded | MaintenanceFailed) and event.errors:
            self._undeleted.labels(event.table, event.job).inc(event.errors)
        if isinstance(event, MaintenanceSucceeded):
            self._jobs.labels(event.table, event.job, event.status).inc()
            for what, name in _WRITTEN:
                self._bytes.labels(event.table, what).inc(getattr(event, name))
            self._seconds.labels(event.job).set(event.seconds)
            self._succeeded.labels(event.job).set(event.succeeded_at.timestamp())
            self._fails(event.table, event.job, failing=False)
        elif isinstance(event, MaintenanceFailed):
            self._jobs.labels(event.table, event.job, "failed").inc()
            self._seconds.labels(event.job).set(event.seconds)
            self._failed.labels(event.job).set(event.failed_at.timestamp())
            if event.cause != "command":
                self._fails(event.table, event.job, failing=True)

    def _fails(self, table: str, job: str, *, failing: bool) -> None:
        if failing or (table, job) in self._told:
            self._failing.labels(table, job).set(int(failing))
            self._told.add((table, job))
