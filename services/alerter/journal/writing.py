"""Bringing a journal to disk: what comes while one write is under way goes into the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from services.alerter.journal.file import JournalFile
from services.alerter.journal.lines import Entry, content, line
from shared.runtime.blocking import BlockingThread
from shared.runtime.outage import Outage

log = structlog.stdlib.get_logger("bergline.alerter")

COMPACT_BYTES = 4 * 1024 * 1024
"""A journal that is smaller is not made anew while it is in use."""
GROWTH = 3
"""It is made anew when it is so many times as large as it was after the last time."""
RETRY_S = 2.0
"""How often a disk that failed is tried again."""
STALLED_S = 5.0
"""A disk that has not answered for so long is not waited for any more."""

_T = TypeVar("_T")


@dataclass(slots=True)
class _Write:
    """What goes to disk together; ``kept`` of it is somebody's who waits until it is there."""

    entries: list[Entry] = field(default_factory=list)
    kept: list[Entry] = field(default_factory=list)
    waiting: list[asyncio.Future[bool]] = field(default_factory=list)


class JournalWriting:
    """Writes of one journal, one at a time, in a thread.

    While a disk hangs nothing waits for it; once it answers all that is known is written anew.

    Args:
        file: where to.
        thread: that writes.
        snapshot: the entries of a new journal; called on the event loop.
        take: told of entries that were to be kept, in the order in which they are on disk.
        compact_bytes: a journal that is smaller is not made anew.
    """

    def __init__(
        self,
        file: JournalFile,
        thread: BlockingThread,
        snapshot: Callable[[], list[Entry]],
        take: Callable[[Iterable[Entry]], None],
        compact_bytes: int = COMPACT_BYTES,
    ) -> None:
        self._file = file
        self._thread = thread
        self._snapshot = snapshot
        self._take = take
        self._compact_bytes = compact_bytes
        self._outage = Outage(log, "the journal cannot be written")
        self._now = _Write()
        self._next = _Write()
        self._stale = False
        self._task: asyncio.Task[None] | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False
        self._size = self._compact_at = 0
        self.failing = True
        """Whether the disk refused what is to be kept."""
        self.stalled = False
        """Whether the disk does not answer."""
        try:
            self._replaced(_replace(file, snapshot()))
        except OSError as error:
            self._outage.failed(error)

    async def keep(self, entries: Sequence[Entry]) -> bool:
        """Write these durably, then hand them to ``take``; whether they are on disk."""
        if not entries:
            return True
        if self.stalled:
            self._take(entries)
            return False
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._next.waiting.append(kept)
        self._next.kept += entries
        self._next.entries += entries
        self._begin()
        # Whoever waits may be cancelled; what was begun is written and taken all the same.
        return await asyncio.shield(kept)

    def note(self, entry: Entry) -> None:
        """Write this some time; it may be lost in a crash of the machine."""
        if self.stalled:
            return
        self._next.entries.append(entry)
        self._begin()

    async def idle(self) -> None:
        """Return when everything that came so far was written, if the disk takes it."""
        while self._task is not None:
            await asyncio.wait({self._task})

    async def close(self) -> None:
        """Write what is left, and leave the directory."""
        await self.idle()
        self._closed = True
        if self._retry is not None:
            self._retry.cancel()
        await self._thread.run(self._file.close)

    def _begin(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="journal")

    async def _run(self) -> None:
        try:
            while True:
                self._now, self._next = self._next, _Write()
                await self._bring(self._now)
                self._now = _Write()
                while not self.failing and (self._stale or self._size > self._compact_at):
                    await self._make_anew()
                if not self._next.entries:
                    return
        finally:
            self._task = None

    async def _bring(self, write: _Write) -> None:
        try:
            durable = await self._write(write)
            taken, write.kept = write.kept, []
            self._take(taken)
            if not durable and self._retry is None:
                durable = await self._make_anew()
        except BaseException as error:
            for waiting in write.waiting:
                waiting.set_exception(error)
            raise
        for waiting in write.waiting:
            waiting.set_result(durable)

    async def _write(self, write: _Write) -> bool:
        if self.failing or not write.entries:
            return not self.failing
        data, durable = b"".join(map(line, write.entries)), bool(write.waiting)
        try:
            await self._on_disk(lambda: self._file.append(data, durable=durable))
        except OSError as error:
            self._outage.failed(error)
            return False
        self._size += len(data)
        return True

    async def _make_anew(self) -> bool:
        entries, self._stale = self._snapshot(), False
        try:
            size = await self._on_disk(lambda: _replace(self._file, entries))
        except OSError as error:
            self._outage.failed(error)
            self.failing = True
            if not self._closed:
                self._retry = asyncio.get_running_loop().call_later(RETRY_S, self._try_again)
            return False
        self._replaced(size)
        return True

    async def _on_disk(self, call: Callable[[], _T]) -> _T:
        stalling = asyncio.get_running_loop().call_later(STALLED_S, self._stall)
        try:
            return await self._thread.run(call)
        finally:
            stalling.cancel()
            self.stalled = False

    def _stall(self) -> None:
        """Let go whoever waits; what is known is written as a whole later."""
        self.stalled = self._stale = True
        self._outage.failed(TimeoutError(f"no answer within {STALLED_S:g} s"))
        for write in (self._now, self._next):
            self._take(write.kept)
            waiting, write.kept, write.waiting, write.entries = write.waiting, [], [], []
            for each in waiting:
                each.set_result(False)

    def _replaced(self, size: int) -> None:
        self._size, self.failing = size, False
        self._compact_at = max(self._compact_bytes, size * GROWTH)
        self._outage.over()

    def _try_again(self) -> None:
        self._retry = None
        self._begin()


def _replace(file: JournalFile, entries: Iterable[Entry]) -> int:
    data = content(entries)
    file.replace(data)
    return len(data)
