"""Wait at the start for what a service cannot do without."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.runtime.outage import Log, Outage

WAIT_S = 0.5
"""Pause before another attempt."""

_T = TypeVar("_T")


class StartUp:
    """How far a start has come, for readiness to tell.

    Args:
        log: of the service.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._waiting_for = "start"
        self._over = False

    async def until(
        self, stop: asyncio.Event, what: str, attempt: Callable[[], Awaitable[_T]]
    ) -> _T | None:
        """As :func:`until`; that is what readiness says the service waits for."""
        self._waiting_for = what
        return await until(stop, self._log, what, attempt)

    def over(self) -> None:
        """All that the service cannot do without is there."""
        self._over = True

    def not_ready(self) -> str | None:
        """What is waited for; ``None`` when nothing is."""
        return None if self._over else f"waiting for the {self._waiting_for}"


async def until(
    stop: asyncio.Event, log: Log, what: str, attempt: Callable[[], Awaitable[_T]]
) -> _T | None:
    """Repeat ``attempt`` until it succeeds; ``None`` when the process is to stop instead."""
    outage = Outage(log, f"waiting for the {what}")
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            trying = asyncio.ensure_future(attempt())
            await asyncio.wait({trying, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not trying.done():
                trying.cancel()
                await asyncio.wait({trying})
            elif (error := trying.exception()) is None:
                outage.over()
                return trying.result()
            else:  # whatever it is, readiness says so
                outage.failed(error)
                await asyncio.wait({stopping}, timeout=WAIT_S)
        return None
    finally:
        stopping.cancel()
