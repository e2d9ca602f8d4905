"""How a worker ends: on a signal, and when what it is there for has died."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from services.maintainer import app
from services.maintainer.app import Service
from services.maintainer.config import MaintainerSettings

WITHIN_S = 20.0


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Service]:
    """A worker that has joined its group, and knows what readers read; there is no broker."""

    async def run_app(
        _: object, stop: asyncio.Event, drain: Callable[[], Awaitable[None]], leave_s: float
    ) -> None:
        await stop.wait()
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
        worker._dispatcher.start(worker._ending.set)
        async with asyncio.timeout(WITHIN_S):
            with pytest.raises(RuntimeError, match="died"):
                await worker._consume(None, asyncio.Event())

    asyncio.run(run())


def test_a_signal_is_an_end_without_an_error(service: Callable[[], Service]) -> None:
    async def run() -> None:
        worker, signal = service(), asyncio.Event()
        worker._dispatcher.start(worker._ending.set)
        signal.set()
        async with asyncio.timeout(WITHIN_S):
            await worker._consume(None, signal)

    asyncio.run(run())
