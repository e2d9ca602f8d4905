"""A thread for calls that block, one after the other, which no end of the process waits for.

Ray and catalogs may not answer for a long time, and Python waits at its end for the threads of an
executor. What such a call would still do is of no use to a process that ends.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

_T = TypeVar("_T")


class BlockingThread:
    """Runs calls in a daemon thread that begins with the first and lives as long as the process."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, call: Callable[[], _T]) -> _T:
        """The result of ``call``; raises what it raises.

        Cancelling stops the waiting, and the call if it has not begun.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        future: Future[_T] = Future()
        self._calls.put((call, future))
        return await asyncio.wrap_future(future)

    def _work(self) -> None:
        while True:
            call, future = self._calls.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 - it is the waiting one's
                future.set_exception(error)
