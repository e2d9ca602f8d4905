"""How many connections there are, and which of them go first.

A connection on which no request is under way can go at any moment: the sender has an answer to
everything it sent, or has not sent a whole head yet, and connects again. So when there is no room
for one more, those that have been like this for the longest time make room: senders that only sit
there, or send their heads byte by byte, keep nobody out.
"""

from __future__ import annotations

import asyncio
import heapq
from typing import Protocol


class Connection(Protocol):
    """What is needed of a connection."""

    @property
    def waiting_since(self) -> float | None:
        """Since when it waits for a request; ``None`` while one is under way."""

    def end(self) -> None:
        """Close it now."""

    def abort(self) -> None:
        """Cut it, whatever is under way."""


class Connections:
    """All connections of this process.

    Args:
        most: of them at once.
    """

    PART = 32
    """When there is no room, one in so many may go at once: looking for them takes a while."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._all: set[Connection] = set()
        self._gone = asyncio.Event()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: Connection) -> bool:
        """Look after a connection; false when there is no room for it."""
        if len(self._all) >= self.most and not self._make_room():
            return False
        self._all.add(connection)
        self._gone.clear()
        return True

    def discard(self, connection: Connection) -> None:
        """It has ended, or somebody else looks after it."""
        self._all.discard(connection)
        if not self._all:
            self._gone.set()

    async def gone(self) -> None:
        """Return when there is none."""
        if self._all:
            await self._gone.wait()

    def abort(self) -> None:
        """Cut all of them."""
        for connection in tuple(self._all):
            connection.abort()

    def end_waiting(self, before: float) -> None:
        """End those that have waited since ``before``."""
        for connection in tuple(self._all):
            since = connection.waiting_since
            if since is not None and since <= before:
                connection.end()

    def _make_room(self) -> int:
        waiting = [
            (since, number, connection)
            for number, connection in enumerate(self._all)
            if (since := connection.waiting_since) is not None
        ]
        longest = heapq.nsmallest(max(1, self.most // self.PART), waiting)
        for _, _, connection in longest:
            self._all.discard(connection)
            connection.end()
        return len(longest)
