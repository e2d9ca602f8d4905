"""The loop that looks whom to tell: whenever the board has changed, and when it is time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

import structlog

from services.alerter.delivery.delivery import Delivery
from shared.alerting.board import Board
from shared.contracts.alerts import AlertChanged

log = structlog.stdlib.get_logger("bergline.alerter")

LONGEST_S = 60.0
"""It looks so often at least, in case a clock was set."""


class Telling:
    """Hands the board to delivery.

    Args:
        delivery: tells receivers.
        board: what stands.
        mine: whether an alert is this alerter's to tell of.
    """

    def __init__(
        self, delivery: Delivery, board: Board, mine: Callable[[AlertChanged], bool]
    ) -> None:
        self._delivery = delivery
        self._board = board
        self._mine = mine
        self._wake = asyncio.Event()

    def look(self) -> None:
        """The board has changed, or whose alerts are whose."""
        self._wake.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._wake.clear()
            now = time.time()
            try:
                next_look = self._delivery.tell(now, self._board, self._mine)
            except Exception:
                log.exception("nobody was told, trying again soon")
                next_look = now + 1.0
            wait = LONGEST_S if next_look is None else min(max(next_look - now, 0.0), LONGEST_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()
