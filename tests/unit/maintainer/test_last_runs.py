"""What ran before a worker started, or at another one: timers count from it, gauges tell of it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.maintainer import last_runs
from services.maintainer.agenda import Agenda
from services.maintainer.last_runs import LastRuns
from services.maintainer.pace import Pace
from services.maintainer.quality import CHECKED
from shared.contracts.event import Event
from shared.contracts.maintenance import JobCause, MaintenanceFailed, MaintenanceSucceeded
from shared.runtime.errors import Unavailable
from shared.runtime.settings import Settings

PACE = Pace(look_s=1e9, expire_s=60, orphans_s=120, quality_s=86_400)


def checked(hours_ago: float) -> MaintenanceSucceeded:
    return MaintenanceSucceeded(
        job_id=f"{hours_ago}",
        job="quality",
        table=CHECKED,
        status="skipped",
        cause="timer",
        seconds=1,
        succeeded_at=datetime.now(UTC) - timedelta(hours=hours_ago),
    )


def test_a_check_of_hours_ago_is_not_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agenda = Agenda([], PACE, CHECKED)
    agenda.own([CHECKED])
    before = [checked(20), checked(3)]
    answers: list[Any] = [Unavailable("the broker does not answer"), before]
    asked: list[datetime] = []

    async def read_events(_: Settings, topics: list[str], since: datetime) -> list[Event]:
        asked.append(since)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    async def story() -> None:
        known = asyncio.Event()
        runs = LastRuns(Settings(), agenda, known.set)
        runs.assigned(PACE.longest_timer_s)
        async with asyncio.timeout(20):
            await known.wait()
        await runs.stop()

    monkeypatch.setattr(last_runs, "read_events", read_events)
    monkeypatch.setattr(last_runs, "RETRY_S", 0.0)
    asyncio.run(story())

    assert agenda.timed == {CHECKED}
    now = time.monotonic()
    assert agenda.next(now) is None, "a day is not over"
    assert agenda.next(now + 20 * 3600) is None
    task = agenda.next(now + 22 * 3600)
    assert task is not None
    assert task.job == "quality"
    assert datetime.now(UTC) - asked[0] > timedelta(days=1), "as far back as the longest timer"


def failed(table: str, cause: JobCause = "policy", attempt: int = 1) -> MaintenanceFailed:
    return MaintenanceFailed(
        job_id=f"{table}/{attempt}",
        job="compact",
        table=table,
        cause=cause,
        attempt=attempt,
        error_type="Unavailable",
        error="the store does not answer",
        seconds=1,
        will_retry=True,
        failed_at=datetime.now(UTC),
    )


def compacted(table: str) -> MaintenanceSucceeded:
    return checked(1).model_copy(update={"job": "compact", "table": table})


def test_a_failure_that_nobody_has_ended_is_known_to_who_has_the_table_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = ("raw.failing", "raw.well_again", "raw.asked")
    agenda = Agenda(tables, PACE)
    agenda.own(tables)
    before = [
        failed("raw.failing"),
        failed("raw.failing", attempt=2),
        failed("raw.well_again"),
        compacted("raw.well_again"),
        failed("raw.asked", "command"),
    ]

    async def read_events(*_: object) -> list[Event]:
        return list(before)

    async def story() -> None:
        known = asyncio.Event()
        runs = LastRuns(Settings(), agenda, known.set)
        runs.assigned(PACE.longest_timer_s)
        async with asyncio.timeout(20):
            await known.wait()
        await runs.stop()

    monkeypatch.setattr(last_runs, "read_events", read_events)
    asyncio.run(story())

    assert agenda.found("raw.failing", {}) == {"compact": 3}
    assert agenda.found("raw.well_again", {}) == {}
    assert agenda.found("raw.asked", {}) == {}, "that is told to who asked"
