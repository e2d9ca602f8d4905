"""Looking whom to tell leaves time for everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from services.alerter.delivery.delivery import Delivery, Look
from services.alerter.delivery.telling import AGAIN_S, LONGEST_S, SHARE, Telling
from shared.alerting.board import Board

NOW = 1_700_000_000.0


class Slow:
    """Takes half a second to look, and what it tells changes the board."""

    def __init__(self) -> None:
        self.cut_off: list[bool] = []
        self.telling: Telling | None = None

    async def tell(self, board: Board, ours: Callable[[str], bool], *, cut_off: bool) -> Look:
        self.cut_off.append(cut_off)
        assert self.telling is not None
        self.telling.look()
        return Look(None, 0.5)


@pytest.mark.asyncio
async def test_a_look_that_takes_long_is_followed_by_a_longer_pause() -> None:
    slow, pauses, enough = Slow(), [], asyncio.Event()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            enough.set()
        await asyncio.sleep(0)

    slow.telling = Telling(
        cast("Delivery", slow), Board(), lambda: lambda _name: True, lambda: None, pause=pause
    )
    running = asyncio.create_task(slow.telling.run())
    async with asyncio.timeout(20):
        await enough.wait()
    running.cancel()
    assert pauses[:3] == [0.5 * SHARE] * 3
    assert len(slow.cut_off) == len(pauses)


class Planned:
    """Says when to look again, or fails."""

    def __init__(self, next_at: float | None) -> None:
        self.next_at = next_at
        self.cut_off: list[bool] = []

    async def tell(self, board: Board, ours: Callable[[str], bool], *, cut_off: bool) -> Look:
        self.cut_off.append(cut_off)
        if self.next_at == 0:
            raise RuntimeError
        return Look(self.next_at, 0.25)


@pytest.mark.parametrize(
    ("next_at", "cut_off_in", "waits"),
    [
        (None, None, LONGEST_S),
        (NOW + 3, None, 3.0),
        (NOW + 3, 2.0, 2.0),
        (NOW - 3, 2.0, 0.0),
        (NOW + 300, 0.0, LONGEST_S),
        (0, None, AGAIN_S),
    ],
)
@pytest.mark.asyncio
async def test_it_looks_again_when_there_is_more_to_tell(
    next_at: float | None, cut_off_in: float | None, waits: float
) -> None:
    planned = Planned(next_at)
    telling = Telling(
        cast("Delivery", planned),
        Board(),
        lambda: lambda _name: True,
        lambda: cut_off_in,
        now=lambda: NOW,
    )
    assert (await telling._look())[0] == waits
    assert planned.cut_off == [cut_off_in == 0]


@pytest.mark.asyncio
async def test_that_nobody_is_told_is_known_until_it_works() -> None:
    planned = Planned(0)
    telling = Telling(cast("Delivery", planned), Board(), lambda: lambda _name: True, lambda: None)
    await telling._look()
    assert telling.failing == "RuntimeError"
    planned.next_at = None
    await telling._look()
    assert telling.failing is None


@pytest.mark.asyncio
async def test_nothing_is_told_while_nobody_knows_whose_groups_are_whose() -> None:
    planned = Planned(None)
    telling = Telling(cast("Delivery", planned), Board(), lambda: None, lambda: 0.0)
    assert await telling._look() == (LONGEST_S, 0.0)
    assert planned.cut_off == []


class Stopped(Planned):
    """Its process stops for long while it waits."""

    def __init__(self) -> None:
        super().__init__(None)
        self.did: list[str] = []
        self.now = 0.0
        self.telling: Telling | None = None

    async def pause(self, _seconds: float) -> None:
        assert self.telling is not None
        self.now += 0.0 if self.did else LONGEST_S + 30
        self.telling.look()
        await asyncio.sleep(0)

    def withdraw(self) -> None:
        self.did.append("withdraw")

    def slept(self) -> None:
        self.did.append("slept")


@pytest.mark.asyncio
async def test_a_process_that_was_stopped_withdraws_what_waits_before_it_tells_again() -> None:
    stopped = Stopped()
    stopped.telling = Telling(
        cast("Delivery", stopped),
        Board(),
        lambda: lambda _name: True,
        lambda: None,
        stopped.slept,
        slept_s=20.0,
        clock=lambda: stopped.now,
        pause=stopped.pause,
    )
    running = asyncio.create_task(stopped.telling.run())
    while len(stopped.cut_off) < 3:  # noqa: ASYNC110 - the loop of another
        await asyncio.sleep(0)
    running.cancel()
    assert stopped.did == ["withdraw", "slept"]
