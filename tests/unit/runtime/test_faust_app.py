"""A Faust app runs until the process is to stop, or until it crashes, whenever that is."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from shared.runtime.faust_app import run_app


class App:
    """As much of a Faust app as is run."""

    def __init__(self, *, starts: bool) -> None:
        self._crashed = asyncio.Event()
        self.crash_reason = ConnectionError("no broker")
        self.started, self.stopped = asyncio.Event(), False
        self._starts = starts

    async def start(self) -> None:
        self.started.set()
        if not self._starts:
            await asyncio.Event().wait()

    async def stop(self) -> None:
        self.stopped = True

    async def crash(self) -> None:
        await self.started.wait()
        self._crashed.set()


@pytest.mark.parametrize("starts", [True, False], ids=["started", "while it starts"])
@pytest.mark.asyncio
async def test_a_crash_ends_it_after_what_is_to_be_drained(*, starts: bool) -> None:
    app, drained = App(starts=starts), SimpleNamespace(times=0)

    async def drain() -> None:
        drained.times += 1

    crashing = asyncio.create_task(app.crash())
    async with asyncio.timeout(20.0):
        with pytest.raises(RuntimeError, match="no broker"):
            await run_app(app, asyncio.Event(), drain, 1.0)
    await crashing
    assert (drained.times, app.stopped) == (1, True)


@pytest.mark.parametrize("dies", [False, True], ids=["stopped", "dying"])
@pytest.mark.asyncio
async def test_a_stop_ends_it_also_while_it_starts(*, dies: bool) -> None:
    app, stop, dying = App(starts=False), asyncio.Event(), asyncio.Event()

    async def drain() -> None:
        assert not app.stopped, "offsets are stored by what is drained"

    (dying if dies else stop).set()
    async with asyncio.timeout(20.0):
        await run_app(app, stop, drain, 1.0, dying)
    assert app.stopped
