"""A service waits for what it cannot do without, says so, and can be stopped meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from shared.runtime import connecting
from shared.runtime.connecting import StartUp
from shared.runtime.logging import logger


@pytest.mark.asyncio
async def test_what_is_not_there_is_tried_again_until_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connecting, "WAIT_S", 0.0)
    start, told = StartUp(logger("test")), []

    async def connect() -> str:
        told.append(start.not_ready())
        if len(told) < 3:
            raise ConnectionError("nobody listens")
        return "connected"

    assert await start.until(asyncio.Event(), "broker", connect) == "connected"
    assert told == ["waiting for the broker"] * 3
    assert start.not_ready() is not None, "more may be missing"
    start.over()
    assert start.not_ready() is None


@pytest.mark.asyncio
async def test_an_attempt_under_way_is_given_up_when_the_service_is_to_stop() -> None:
    stop, given_up = asyncio.Event(), asyncio.Event()

    async def connect() -> str:
        stop.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()
        return "connected"

    async with asyncio.timeout(20.0):
        assert await StartUp(logger("test")).until(stop, "broker", connect) is None
    assert given_up.is_set()
