"""A bound on bytes held in memory: whoever wants more than is left waits, in order."""

import asyncio
from collections import deque


class ByteBudget:
    """A counter of bytes; ``acquire`` waits until there is room."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.used = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def acquire(self, count: int) -> None:
        """Take ``count`` bytes, at most the whole budget."""
        count = min(count, self.total)
        if not self._waiting and self.used + count <= self.total:
            self.used += count
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((count, granted))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.release(count)
            raise

    def release(self, count: int) -> None:
        """Give bytes back."""
        self.used -= min(count, self.total)
        while self._waiting:
            wanted, granted = self._waiting[0]
            if granted.cancelled():
                self._waiting.popleft()
            elif self.used + wanted <= self.total:
                self._waiting.popleft()
                self.used += wanted
                granted.set_result(None)
            else:
                return
