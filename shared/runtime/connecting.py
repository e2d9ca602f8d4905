"""Wait at the start for what a service cannot do without."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.runtime.outage import Log, Outage

WAIT_S = 0.5
"""Pause before another attempt."""

_T = TypeVar("_T")


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
