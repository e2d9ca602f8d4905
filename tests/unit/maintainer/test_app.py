"""How a worker ends: on a signal, and when what it is there for has died."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import cast

import pytest

from services.maintainer import app
from services.maintainer.app import Service
from services.maintainer.config import MaintainerSettings
from shared.contracts.maintenance import MaintenanceFailed
from shared.lake.maintenance.looking import Looked
from tests.unit.maintainer.test_settled import look

WITHIN_S = 20.0


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Service]:
    """A worker that has joined its group, and knows what readers read; there is no broker."""

    async def run_app(
        _: object,
        stop: asyncio.Event,
        drain: Callable[[], Awaitable[None]],
        leave_s: float,
        dying: asyncio.Event,
    ) -> None:
        ends = [asyncio.create_task(each.wait()) for each in (stop, dying)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        await drain()

    async def store_once(*_: object) -> None:
        return None

    monkeypatch.setattr(app, "run_app", run_app)
    monkeypatch.setattr(app, "store_once", store_once)

    def made() -> Service:
        worker = Service(MaintainerSettings())
        worker._handlers.joined = True
        worker._states.reader.caught_up.set()
        return worker

    return made


def test_when_the_loop_of_maintenance_dies_the_process_fails(
    service: Callable[[], Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        worker = service()

        def broken(_: float) -> None:
            raise IndexError

        monkeypatch.setattr(worker._agenda, "next", broken)
        worker._dispatcher.start(worker._dying.set)
        async with asyncio.timeout(WITHIN_S):
            with pytest.raises(RuntimeError, match="died"):
                await worker._consume(None, asyncio.Event())

    asyncio.run(run())


def test_a_signal_is_an_end_without_an_error(service: Callable[[], Service]) -> None:
    async def run() -> None:
        worker, signal = service(), asyncio.Event()
        worker._dispatcher.start(worker._dying.set)
        signal.set()
        async with asyncio.timeout(WITHIN_S):
            await worker._consume(None, signal)

    asyncio.run(run())


OURS, THEIRS = "raw.shopify_orders", "raw.shopify_customers"


def failed(table: str) -> MaintenanceFailed:
    return MaintenanceFailed(
        job_id="1",
        job="compact",
        table=table,
        cause="policy",
        attempt=1,
        error_type="Unavailable",
        error="away",
        seconds=1.0,
        will_retry=True,
        failed_at=datetime.now(UTC),
    )


def test_a_table_that_went_away_while_something_was_done_to_it_has_no_gauges_here(
    service: Callable[[], Service],
) -> None:
    worker = service()
    worker._agenda.own([OURS])
    worker.looked(THEIRS, cast("Looked", None), ())
    for table in (OURS, THEIRS):
        worker.not_looked(table)
        worker.measured(failed(table))
    told = worker._instruments.exposition().decode().splitlines()
    gauges = [line for line in told if line.startswith("lakehouse_maintenance_failing{")]
    assert len(gauges) == 2
    assert all(OURS in line for line in gauges)
    assert any(
        line.startswith("lakehouse_maintenance_jobs_total{") and THEIRS in line for line in told
    )


def test_that_a_table_rightly_has_many_files_is_told_once_by_its_own_worker(
    service: Callable[[], Service],
) -> None:
    worker = service()
    worker._agenda.own([OURS])
    for table in (OURS, THEIRS):
        for _ in range(2):
            worker.looked(table, look(150), ())
    assert worker._events.pending == 1
