"""Builds in this process, with the outcomes that a test gives them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.transformer.request import BuildReport, BuildRequest
from services.transformer.workers.pool import BuildError


class ScriptedPool:
    """A :class:`~services.transformer.workers.pool.Pool` whose builds wait to be told their end."""

    def __init__(self, most: int = 2) -> None:
        self._most = most
        self.size = 0
        self.running: dict[str, tuple[BuildRequest, asyncio.Future[BuildReport]]] = {}
        self.begun = asyncio.Event()
        self.stopped = False
        self._changed: Callable[[], None] = lambda: None

    def start(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def make_ready(self) -> None:
        self.size = self._most
        self._changed()

    async def build(self, target: str, request: BuildRequest) -> BuildReport:
        assert target not in self.running, f"two builds of {target} at once"
        assert len(self.running) < self.size, "more builds than workers"
        outcome: asyncio.Future[BuildReport] = asyncio.get_running_loop().create_future()
        self.running[target] = (request, outcome)
        self.begun.set()
        try:
            return await outcome
        finally:
            del self.running[target]

    async def next(self, target: str) -> BuildRequest:
        """The build of a target, once it has begun."""
        async with asyncio.timeout(5):
            while target not in self.running:
                self.begun.clear()
                await self.begun.wait()
        return self.running[target][0]

    async def end(self, target: str, outcome: BuildReport | BuildError) -> BuildRequest:
        """End the build of a target."""
        request = await self.next(target)
        future = self.running[target][1]
        if isinstance(outcome, BuildError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
        # The build goes on at the loop's next turn, and what follows from it at the one after.
        for _ in range(5):
            await asyncio.sleep(0)
        return request

    async def stop(self) -> None:
        self.stopped = True

    def status(self) -> dict[str, object]:
        return {}
