"""The loop that looks whom to tell: whenever the board has changed, and when it is time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import structlog

from services.alerter.delivery.delivery import Delivery
from shared.alerting.board import Board
from shared.contracts.alerts import AlertChanged

log = structlog.stdlib.get_logger("bergline.alerter")

LONGEST_S = 60.0
"""It looks so often at least, in case a clock was set."""


SHARE = 4.0
"""A look that took a second is followed by four without another: with thousands of alerts it takes
a fifth of a core, not all of it."""


class Telling:
    """Hands the board to delivery.

    Args:
        delivery: tells receivers.
        board: what stands.
        mine: whether an alert is this alerter's to tell of.
        clock: monotonic seconds.
        pause: waits so many seconds.
    """

    def __init__(
        self,
        delivery: Delivery,
        board: Board,
        mine: Callable[[AlertChanged], bool],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._delivery = delivery
        self._board = board
        self._mine = mine
        self._clock = clock
        self._pause = pause
        self._wake = asyncio.Event()

    def look(self) -> None:
        """The board has changed, or whose alerts are whose."""
        self._wake.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._wake.clear()
            now, began = time.time(), self._clock()
            try:
                next_look = self._delivery.tell(now, self._board, self._mine)
            except Exception:
                log.exception("nobody was told, trying again soon")
                next_look = now + 1.0
            # Each notification that is taken changes the board; rules are evaluated meanwhile.
            await self._pause((self._clock() - began) * SHARE)
            wait = LONGEST_S if next_look is None else min(max(next_look - now, 0.0), LONGEST_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()
