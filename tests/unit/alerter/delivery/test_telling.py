"""Looking whom to tell leaves time for everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from services.alerter.delivery.delivery import Delivery
from services.alerter.delivery.telling import SHARE, Telling
from shared.alerting.board import Board
from shared.contracts.alerts import AlertChanged


class Slow:
    """Takes half a second to look, and what it tells changes the board."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks = 0
        self.telling: Telling | None = None

    def tell(self, now: float, board: Board, mine: Callable[[AlertChanged], bool]) -> None:
        self.now += 0.5
        self.looks += 1
        assert self.telling is not None
        self.telling.look()


@pytest.mark.asyncio
async def test_a_look_that_takes_long_is_followed_by_a_longer_pause() -> None:
    slow, pauses, enough = Slow(), [], asyncio.Event()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            enough.set()
        await asyncio.sleep(0)

    slow.telling = Telling(
        cast("Delivery", slow), Board(), lambda _alert: True, lambda: slow.now, pause
    )
    running = asyncio.create_task(slow.telling.run())
    async with asyncio.timeout(20):
        await enough.wait()
    running.cancel()
    assert pauses[:3] == [0.5 * SHARE] * 3
    assert slow.looks == len(pauses)
