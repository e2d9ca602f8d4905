"""The loop that looks whom to tell: whenever the board has changed, and when it is time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import structlog

from services.alerter.delivery.delivery import Delivery
from shared.alerting.board import Board
from shared.alerting.notifying.gathering import Ours

log = structlog.stdlib.get_logger("bergline.alerter")

LONGEST_S = 60.0
"""It looks so often at least, in case a clock was set."""
SHARE = 4.0
"""A look that took a second is followed by four without another: with thousands of alerts it takes
a fifth of a core, not all of it."""
AGAIN_S = 1.0
"""After a look that failed."""


class Telling:
    """Hands the board to delivery.

    Args:
        delivery: tells receivers.
        board: what stands.
        ours: which groups this alerter tells, equal to that of before as long as it says the same;
            ``None`` while nobody knows: then nothing is told.
        cut_off_in: seconds until others do not hear of what happens here, if it stays so; 0: they
            do not; ``None``: they do.
        slept: called when the process was stopped for long: others may tell its groups meanwhile.
        slept_s: how long that is.
        now: seconds since the epoch.
        clock: monotonic seconds.
        pause: waits so many seconds.
    """

    def __init__(
        self,
        delivery: Delivery,
        board: Board,
        ours: Callable[[], Ours | None],
        cut_off_in: Callable[[], float | None],
        slept: Callable[[], None] = lambda: None,
        slept_s: float = 20.0,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._delivery = delivery
        self._board = board
        self._ours = ours
        self._cut_off_in = cut_off_in
        self._slept = slept
        self._slept_s = slept_s
        self._now = now
        self._clock = clock
        self._pause = pause
        self._wake = asyncio.Event()
        self.failing: str | None = None
        """The error for which nobody is told; ``None`` while looking works."""

    def look(self) -> None:
        """The board has changed, or whose alerts are whose."""
        self._wake.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._wake.clear()
            wait, took_s = await self._look()
            # Each notification that is taken changes the board; rules are evaluated meanwhile.
            wait, waits_from = wait + took_s * SHARE, self._clock()
            await self._pause(took_s * SHARE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            if self._clock() > waits_from + wait + self._slept_s:
                self._delivery.withdraw()
                self._slept()

    async def _look(self) -> tuple[float, float]:
        """Tell; for how long nothing else is to be told, and how long it took."""
        left, ours = self._cut_off_in(), self._ours()
        if ours is None:
            return LONGEST_S, 0.0
        try:
            found = await self._delivery.tell(self._board, ours, cut_off=left == 0)
        except Exception as error:
            again, self.failing = self.failing, type(error).__name__
            if self.failing != again:  # with its trace, once
                log.exception("nobody is told, trying again every second")
            return AGAIN_S, 0.0
        self.failing = None
        waits = [LONGEST_S]
        if left:
            waits.append(left)
        if found.next_at is not None:
            waits.append(max(found.next_at - self._now(), 0.0))
        return min(waits), found.took_s
