"""The loop of one receiver: sends while something is due, sleeps until then, ends in time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable


class SendingLoop:
    """Sends in the background; nothing but :meth:`close` ends it.

    Args:
        name: of the task.
        wait: seconds until something is due; 0: now; ``None``: until it is woken.
        send: sends what is due.
        failed: called, within the exception, after an error that nobody foresaw.
        pause_s: pause after such an error.
        prepare: awaited before anything is sent; raises nothing.
    """

    def __init__(
        self,
        name: str,
        wait: Callable[[], float | None],
        send: Callable[[], Awaitable[None]],
        failed: Callable[[], None],
        pause_s: float,
        prepare: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._name = name
        self._wait = wait
        self._send = send
        self._failed = failed
        self._pause_s = pause_s
        self._prepare = prepare
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def close(self, limit_s: float) -> None:
        """Send what is due, for so long at most, then stop."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=limit_s)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        if self._prepare is not None:
            await self._prepare()
        while True:
            try:
                await self._until_closed()
            except Exception:  # noqa: BLE001 - it is told, and must not be the end of telling
                self._failed()
                await asyncio.sleep(self._pause_s)
            else:
                return

    async def _until_closed(self) -> None:
        while True:
            self._wake.clear()
            wait = self._wait()
            if wait == 0:
                await self._send()
            elif self._closing:
                return
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), wait)
