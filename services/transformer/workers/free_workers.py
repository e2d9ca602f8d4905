"""Which of the free workers builds a table: one that still holds what the build will read."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

Worker = TypeVar("Worker")


class FreeWorkers(Generic[Worker]):
    """Workers without a build, and those who wait for one, in the order in which they came.

    Manifests and small files stay in the process that has read or written them. So a table goes to
    the worker that built it last, if that one is free, otherwise to the one that built last.
    """

    def __init__(self) -> None:
        self._free: list[Worker] = []
        self._waiting: deque[tuple[str, asyncio.Future[Worker]]] = deque()
        self._built: dict[str, Worker] = {}

    async def take(self, target: str) -> Worker:
        """A worker for a build of the target, as soon as one is free."""
        if self._free:
            return self._taken(target)
        future: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append((target, future))
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.give(future.result())
            raise

    def give(self, worker: Worker) -> None:
        """The worker is free."""
        while self._waiting:
            target, future = self._waiting.popleft()
            if not future.done():
                self._built[target] = worker
                future.set_result(worker)
                return
        self._free.append(worker)

    def clear(self) -> None:
        """Forget the free ones: they are no more."""
        self._free.clear()
        self._built.clear()

    def _taken(self, target: str) -> Worker:
        before = self._built.get(target)
        worker = before if before is not None and before in self._free else self._free[-1]
        self._free.remove(worker)
        self._built[target] = worker
        return worker
