"""What is failing is told while it fails, and not after."""

from __future__ import annotations

from datetime import UTC, datetime

from services.maintainer.maintenance_metrics import MaintenanceMetrics
from shared.contracts.maintenance import (
    JobCause,
    JobName,
    MaintenanceFailed,
    MaintenanceSucceeded,
)
from shared.runtime.metrics import Instruments

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
TABLE = "core.orders"


class Worker:
    def __init__(self) -> None:
        self._instruments = Instruments("maintainer")
        self.metrics = MaintenanceMetrics(self._instruments)

    def value(self, name: str, job: str) -> float | None:
        labels = {"table": TABLE, "maintenance_job": job}
        return self._instruments.registry.get_sample_value(name, labels)

    def failing(self, job: str) -> bool:
        return bool(self.value("lakehouse_maintenance_failing", job))

    def looked(self, *due: JobName) -> None:
        self.metrics.looked(TABLE, due)


def failed(job: JobName, cause: JobCause, errors: int = 0) -> MaintenanceFailed:
    return MaintenanceFailed(
        job_id="j",
        job=job,
        table=TABLE,
        cause=cause,
        attempt=1,
        error_type="CheckFailed",
        error="no",
        errors=errors,
        seconds=1,
        will_retry=cause != "command",
        failed_at=NOON,
    )


def test_a_failed_command_is_not_failing_for_ever() -> None:
    worker = Worker()
    worker.metrics.event(failed("manifests", "command"))
    assert not worker.failing("manifests")


def test_what_comes_of_itself_is_failing_until_it_succeeds_or_is_not_due_any_more() -> None:
    worker = Worker()
    worker.metrics.event(failed("compact", "policy"))
    worker.metrics.event(failed("expire", "timer"))
    worker.looked("compact")
    assert worker.failing("compact")
    assert worker.failing("expire")
    worker.looked()
    assert not worker.failing("compact")
    assert worker.failing("expire"), "a timer is always due again"
    worker.metrics.event(
        MaintenanceSucceeded(
            job_id="j",
            job="expire",
            table=TABLE,
            status="succeeded",
            cause="command",
            errors=2,
            seconds=1,
            succeeded_at=NOON,
        )
    )
    assert not worker.failing("expire")
    assert worker.value("lakehouse_maintenance_undeleted_files_total", "expire") == 2


def test_files_that_could_not_be_deleted_are_counted_of_failures_too() -> None:
    worker = Worker()
    worker.metrics.event(failed("orphans", "timer", errors=4))
    assert worker.value("lakehouse_maintenance_undeleted_files_total", "orphans") == 4
