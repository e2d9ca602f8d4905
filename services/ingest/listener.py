"""Makes the connections, ends those that nobody uses, and all of them in the end."""

from __future__ import annotations

import asyncio
import time

from services.ingest.connection import PlainConnection
from services.ingest.front import Front

SWEEPS = 5
"""How often the idle ones are looked for within the time that they may be idle."""


class Listener:
    """Makes a connection for everybody who connects; to be called by the event loop's server."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._loop = asyncio.get_running_loop()
        self._sweep = self._sweep_later()

    def __call__(self) -> PlainConnection:
        """A connection for the event loop's server."""
        return PlainConnection(self._front, self._loop)

    async def drain(self, limit_s: float) -> None:
        """Close every connection, after the answer it owes, but after ``limit_s`` at the latest."""
        front = self._front
        front.draining = True
        self._sweep.cancel()
        front.connections.end_waiting(float("inf"))
        try:
            async with asyncio.timeout(limit_s):
                await front.connections.gone()
        except TimeoutError:
            front.connections.abort()

    def _sweep_later(self) -> asyncio.TimerHandle:
        return self._loop.call_later(self._front.idle_timeout_s / SWEEPS, self._end_idle)

    def _end_idle(self) -> None:
        self._sweep = self._sweep_later()
        self._front.connections.end_waiting(time.perf_counter() - self._front.idle_timeout_s)
