"""Sends again what is spooled, each stream in its order, all streams beside each other.

A stream is sent chunk by chunk: within a chunk the partitions are independent, and the next chunk
waits until the broker has all of this one, so a crash repeats at most a chunk.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from services.ingest.spool.backlog import Backlog
from services.ingest.spool.episode import Episodes
from services.ingest.spool.held import Held
from services.ingest.spool.spool import Spool
from services.ingest.spool.stream import Read
from shared.runtime import logging
from shared.runtime.outage import Outage

CHUNK_BYTES = 1024 * 1024
FIRST_RETRY_S = 0.25
LAST_RETRY_S = 30.0
LOOK_EVERY_S = 0.25
LOOK_AFTER_EVERY_S = 5.0

log = logging.logger("ingest")


class Outlet(Protocol):
    """The way to the broker."""

    async def open(self, topic: str) -> None:
        """Return when the topic can be sent to, and all sent to it before is settled."""

    async def send(
        self, topic: str, reads: Sequence[Read], acknowledged: Callable[[Read], None]
    ) -> Exception | None:
        """Send entries, in order within a partition; what failed, or ``None``.

        ``acknowledged`` is called for each that the broker has. When this returns nothing that it
        sent is under way, unless it failed: then it may still arrive.
        """


class Replayer:
    """Empties the spool into the broker whenever that is possible.

    Args:
        spool: what is to be sent.
        outlet: the way to the broker.
        episodes: follows when the spool is in use.
    """

    def __init__(self, spool: Spool, outlet: Outlet, episodes: Episodes) -> None:
        self.replayed: Counter[str] = Counter()
        """Records sent from the spool, by topic, since the start."""
        self._spool = spool
        self._outlet = outlet
        self._episodes = episodes
        self._written = asyncio.Event()
        self._unread = Outage(log, "the spools of other instances cannot be looked at")
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._main: asyncio.Task[None] | None = None
        spool.on_change = self._written.set

    def start(self) -> None:
        """Begin, with what was found on disk."""
        found = self._spool.outstanding
        if found:
            log.warning("records of an earlier time are in the spool", records=found)
            since = self._spool.oldest_s or time.time()
            self._episodes.spooled(since, "records were found when it started", found)
        self._main = asyncio.get_running_loop().create_task(self._run(), name="replay the spool")

    async def stop(self) -> None:
        """End; what was not acknowledged stays in the spool."""
        tasks = [task for task in (self._main, *self._tasks.values()) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(self) -> None:
        look_after_at = 0.0
        while True:
            now = time.time()
            if time.monotonic() >= look_after_at:
                look_after_at = time.monotonic() + LOOK_AFTER_EVERY_S
                await self._look_after()
            for held, backlog in self._spool.backlogs():
                if backlog.outstanding and id(backlog) not in self._tasks:
                    self._tasks[id(backlog)] = asyncio.create_task(self._guarded(held, backlog))
            self._episodes.look(now, self._spool.outstanding, self._spool.quota.total)
            await self._next_write()

    async def _look_after(self) -> None:
        try:
            await self._adopt()
            await self._spool.look_after()
        except Exception:
            # Whatever it is, what is spooled here is sent all the same.
            log.exception("the directories of the spool could not be looked after")

    async def _adopt(self) -> None:
        try:
            found = await self._spool.adopt()
        except OSError as error:
            self._unread.failed(error)
            return
        self._unread.over()
        if found:
            records = sum(held.outstanding for held in self._spool.adopted[-found:])
            log.warning("took over what an instance that is gone had spooled", records=records)
            since = self._spool.oldest_s or time.time()
            self._episodes.spooled(since, "an instance that is gone had spooled", records)

    async def _guarded(self, held: Held, backlog: Backlog) -> None:
        try:
            await self._empty(held, backlog)
        except Exception:
            log.exception("a stream of the spool could not be replayed", topic=backlog.key.topic)
            await asyncio.sleep(LAST_RETRY_S)
        finally:
            self._tasks.pop(id(backlog), None)

    async def _empty(self, held: Held, backlog: Backlog) -> None:
        topic = backlog.key.topic
        outage = Outage(log, "the broker does not take what is spooled", topic=topic)
        wait_s = FIRST_RETRY_S
        # What was read before, and not sent because of something unforeseen, is read again.
        await self._rewind(held, backlog)
        while backlog.outstanding:
            await self._outlet.open(topic)
            known = backlog.outstanding - backlog.unwritten
            chunk = await self._read(held, backlog)
            if not chunk:
                if known and not backlog.unwritten:
                    log.error("spooled records cannot be read any more", topic=topic, records=known)
                    backlog.drop(known)
                else:
                    await self._next_write()
                continue
            error = await self._send(topic, backlog, chunk)
            await self._note(held, backlog, chunk)
            if error is None:
                wait_s, backlog.stuck = FIRST_RETRY_S, None
                outage.over()
                continue
            backlog.stuck = f"{type(error).__name__}: {error}"
            outage.failed(error)
            await self._rewind(held, backlog)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LAST_RETRY_S)

    async def _send(self, topic: str, backlog: Backlog, chunk: list[Read]) -> Exception | None:
        todo = backlog.hand_over(chunk)

        def acknowledged(read: Read) -> None:
            backlog.delivered(read.sequence)
            self.replayed[topic] += 1
            self._episodes.replayed(1)

        return await self._outlet.send(topic, todo, acknowledged) if todo else None

    async def _note(self, held: Held, backlog: Backlog, chunk: list[Read]) -> None:
        """Move the cursor behind what the broker has."""
        last = backlog.pass_over(chunk)
        if last is None:
            return
        error = await self._spool.advance(held, backlog, last.end)
        if error is not None:
            # Only after a crash would these be sent once more.
            log.warning("the spool's cursor cannot be written", error=error.strerror or str(error))

    async def _read(self, held: Held, backlog: Backlog) -> list[Read]:
        stream = held.store.streams.get(backlog.key)
        if stream is None:  # the first write is still to come
            return []
        return await self._spool.thread.run(partial(stream.read, CHUNK_BYTES))

    async def _rewind(self, held: Held, backlog: Backlog) -> None:
        stream = held.store.streams.get(backlog.key)
        if stream is not None:
            await self._spool.thread.run(stream.rewind)

    async def _next_write(self) -> None:
        self._written.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._written.wait()
