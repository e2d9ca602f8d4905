"""What an operator reads of plans, dry runs and commands that were waited for."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from shared.cli import dry_runs, outcomes
from shared.cli.maintain import as_text
from shared.cli.orphans import moment_of, past
from shared.cli.outcomes import as_json, told_by
from shared.contracts.commands import CommandIssued
from shared.contracts.maintenance import Figures, MaintenanceFailed, MaintenanceSucceeded
from shared.contracts.plans import MaintenancePlans, PlannedJob, PlannedMaintenance
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.job_result import JobResult
from shared.runtime.errors import CheckFailed, ConfigurationError
from shared.runtime.maintaining import Maintaining

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
GOOD, BAD, LATE = "core.orders", "raw.stripe_charges", "raw.shopify_orders"
COMMAND = CommandIssued(
    command_id="c",
    service="maintainer",
    action="compact",
    target="all",
    actor="ada@example.com",
    issued_at=NOON,
)


def drawn(text: Any) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=200).print(text)
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def followed() -> Maintaining:
    made = Maintaining("c", (GOOD, BAD, LATE), ("compact",))
    made.take(
        MaintenanceSucceeded(
            job_id="1",
            job="compact",
            table=GOOD,
            status="succeeded",
            cause="command",
            command_id="c",
            before=Figures(data_files=31, live_bytes=2048, snapshots=8),
            after=Figures(data_files=2, live_bytes=1024, snapshots=9),
            seconds=1.5,
            succeeded_at=NOON,
        )
    )
    made.take(
        MaintenanceFailed(
            job_id="2",
            job="compact",
            table=BAD,
            cause="command",
            command_id="c",
            attempt=1,
            error_type="CheckFailed",
            error="it names a file that is not in the store [red]",
            seconds=0.5,
            will_retry=False,
            failed_at=NOON,
        )
    )
    return made


def test_each_table_has_a_line_that_tells_how_it_ended() -> None:
    _, good, bad, late = drawn(outcomes.as_text(COMMAND, (GOOD, BAD, LATE), followed()))
    assert good == f"{GOOD} compact succeeded 31→2 2.0 KiB→1.0 KiB 8→9 – 0 B 1.50 s"
    assert bad.startswith(f"{BAD} compact failed")
    assert bad.endswith("CheckFailed: it names a file that is not in the store [red]")
    assert late.startswith(f"{LATE} compact waiting")


def test_programs_are_told_which_tables_are_done_failed_and_waiting() -> None:
    body = as_json(COMMAND, (GOOD, BAD, LATE), followed())
    assert (body["maintained"], body["failed"], body["waiting"]) == ([GOOD], [BAD], [LATE])
    assert [each["type"] for each in body["jobs"]] == [
        "lakehouse.maintenance.succeeded.v1",
        "lakehouse.maintenance.failed.v1",
    ]
    assert "signature" not in body["sent"]


def test_progress_tells_of_every_end() -> None:
    good, bad = followed().told.values()
    assert told_by(good) == "succeeded in 1.50 s"
    assert told_by(bad).startswith("failed after 0.50 s: CheckFailed: ")


def test_a_dry_run_tells_what_would_be_rewritten_and_what_failed() -> None:
    would = JobResult(
        Status.DRY_RUN, before=Figures(data_files=31), files_replaced=30, bytes_replaced=2048
    )
    nothing = JobResult(Status.SKIPPED, "1 file", before=Figures(data_files=1))
    lines = drawn(
        dry_runs.as_text(
            [
                (GOOD, "compact", would),
                (LATE, "compact", nothing),
                (BAD, "compact", CheckFailed("a file is gone")),
            ]
        )
    )
    _, first, second, third, *_ = lines
    assert first.startswith(f"{GOOD} compact would run 31 30 (2.0 KiB)")
    assert second.startswith(f"{LATE} compact nothing 1")
    assert second.endswith("1 file")
    assert third.endswith("a file is gone")
    assert lines[-1] == "nothing was changed"


def test_a_plan_tells_what_is_due_and_otherwise_why_nothing_is() -> None:
    due = PlannedJob(
        job="compact", due=True, reason="74 small files", partition="day=1", files=74, bytes=1024
    )
    not_due = PlannedJob(job="compact", due=False, reason="3 small files are few")
    tables = (
        PlannedMaintenance(table=LATE, data_files=80, small_files=74, jobs=(due, not_due)),
        PlannedMaintenance(table=GOOD, data_files=3, small_files=3, jobs=(not_due,)),
        PlannedMaintenance(table=BAD, error="no such table"),
    )
    _, first, second, third = drawn(as_text(MaintenancePlans(planned_at=NOON, tables=tables)))
    assert first.startswith(f"{LATE} 80 74")
    assert first.endswith("compact 74 1.0 KiB day=1: 74 small files")
    assert second.endswith("3 small files are few")
    assert "nothing" in second
    assert third.endswith("no such table")


def test_a_time_without_a_zone_is_utc_and_what_is_none_is_refused() -> None:
    assert moment_of("2026-11-26 12:00:00") == NOON
    assert moment_of("2026-11-26T13:00:00+01:00") == NOON
    assert moment_of(None) is None
    with pytest.raises(ConfigurationError, match="is no time"):
        moment_of("yesterday")


def test_a_moment_in_the_future_is_refused_before_anything_is_sent() -> None:
    assert past(NOON, NOON) == NOON
    assert past(None, NOON) is None
    with pytest.raises(ConfigurationError, match="is in the future"):
        past(NOON + timedelta(seconds=1), NOON)
