"""A command has ended when every table it means has, well or for good not."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.contracts.maintenance import JobName, MaintenanceFailed, MaintenanceSucceeded
from shared.runtime.maintaining import Maintaining

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
A, B = "raw.a", "raw.b"


def succeeded(table: str, job: JobName = "expire", command: str = "c") -> MaintenanceSucceeded:
    return MaintenanceSucceeded(
        job_id="j",
        job=job,
        table=table,
        status="succeeded",
        cause="command",
        command_id=command,
        seconds=1,
        succeeded_at=NOW,
    )


def failed(table: str, job: JobName = "expire", *, again: bool = False) -> MaintenanceFailed:
    return MaintenanceFailed(
        job_id="j",
        job=job,
        table=table,
        cause="command",
        command_id="c",
        attempt=1,
        error_type="Unavailable",
        error="no answer",
        seconds=1,
        will_retry=again,
        failed_at=NOW,
    )


def test_it_waits_for_every_table() -> None:
    followed = Maintaining("c", (A, B), ("expire",))
    assert followed.take(succeeded(A)) is not None
    assert followed.waiting == (B,)
    assert followed.take(succeeded(B)) is not None
    assert not followed.waiting
    assert not followed.failed


def test_jobs_of_other_commands_and_of_policy_do_not_count() -> None:
    followed = Maintaining("c", (A,), ("expire",))
    assert followed.take(succeeded(A, command="d")) is None
    assert followed.take(succeeded("raw.other")) is None
    assert followed.waiting == (A,)


def test_a_table_ends_with_its_last_job() -> None:
    followed = Maintaining("c", (A,), ("expire", "orphans"))
    followed.take(succeeded(A))
    assert followed.waiting == (A,)
    followed.take(succeeded(A, "orphans"))
    assert not followed.waiting


def test_a_failure_that_is_tried_again_is_no_end_and_success_makes_it_good() -> None:
    followed = Maintaining("c", (A,), ("expire",))
    assert followed.take(failed(A, again=True)) is not None
    assert followed.waiting == (A,)
    followed.take(succeeded(A))
    assert not followed.waiting
    assert not followed.failed


def test_a_table_that_failed_for_good_has_ended_without_its_other_jobs() -> None:
    followed = Maintaining("c", (A, B), ("expire", "orphans"))
    followed.take(failed(A))
    assert followed.waiting == (B,)
    assert [each.table for each in followed.failed] == [A]


def test_an_event_that_comes_twice_changes_nothing() -> None:
    followed = Maintaining("c", (A,), ("expire",))
    followed.take(succeeded(A))
    assert followed.take(succeeded(A)) is None
