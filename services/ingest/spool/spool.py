"""The async edge: what is kept, how much of it, and whether there is room for more.

The event loop counts and decides; one thread of its own touches the disk, for writing, reading and
removing alike, so that nothing there happens at the same time. Only what instances that are gone
have left is first read through by another one: that may take seconds, and nobody writes there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from services.ingest.spool.answers import Answers, SpoolFull
from services.ingest.spool.backlog import Backlog, Copy
from services.ingest.spool.claim import ORPHANED_AFTER_S
from services.ingest.spool.frames import (
    SEGMENT_HEADER_BYTES,
    Entry,
    Position,
    encode_entry,
    encode_frame,
)
from services.ingest.spool.held import Held, open_orphans, open_own
from services.ingest.spool.quota import Full, Quota
from services.ingest.spool.store import StreamKey
from services.ingest.spool.writing import GroupWriter, Put, Written
from shared.contracts.envelope import Headers
from shared.runtime import logging
from shared.runtime.blocking import BlockingThread
from shared.runtime.errors import Unavailable
from shared.runtime.outage import Outage

MOST_SEGMENT_BYTES = 16 * 1024 * 1024

log = logging.logger("ingest")


class Spool:
    """What an instance keeps on disk for the broker.

    Making one reads all that is in its directory, which may take seconds: a service does so
    in a thread.

    Args:
        root: directory of all instances of one environment that share a file system.
        max_bytes: of the files of this instance, those that it has taken over included.
        share: of it that one source may take.
        number: of this instance's directory; by default the first that is free.
        orphaned_after_s: how long a directory must have been without an owner to be taken over.

    Raises:
        ConfigurationError: the directory cannot be used.

    Attributes:
        own: where new entries go.
        adopted: directories of instances that are gone.
        answers: what was accepted, what was not, and why nothing is now.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_bytes: int,
        share: float,
        number: int | None = None,
        orphaned_after_s: float = ORPHANED_AFTER_S,
    ) -> None:
        self.quota = Quota(max_bytes, share)
        self._root = root
        self._orphaned_after_s = orphaned_after_s
        self._segment_bytes = min(MOST_SEGMENT_BYTES, max(1, self.quota.source_bytes // 8))
        self.thread = BlockingThread("spool")
        self._looking = BlockingThread("spools of others")
        self.adopted: list[Held] = []
        self.answers = Answers()
        self.on_change: Callable[[], None] = lambda: None
        """Called when entries became durable or could not be written."""
        self._outage = Outage(log, "the spool cannot be written", directory=str(root))
        self.own = open_own(root, number, self._segment_bytes)
        self._writer = GroupWriter(self.thread, self.own.store, self._wrote)
        self._account(self.own.store.sizes())

    def start(self) -> None:
        """Begin to write what is put."""
        self._writer.start()

    @property
    def outstanding(self) -> int:
        """Entries that the broker does not have."""
        return sum(held.outstanding for held in (self.own, *self.adopted))

    @property
    def oldest_s(self) -> float | None:
        """When the oldest of them was accepted, at the earliest; unix seconds."""
        found = [backlog.oldest_s for _, backlog in self.backlogs() if backlog.outstanding]
        return min(found, default=None)

    def backlogs(self) -> Iterator[tuple[Held, Backlog]]:
        """Every stream of every directory that this instance owns."""
        for held in (self.own, *self.adopted):
            for backlog in tuple(held.backlogs.values()):
                yield held, backlog

    def holds(self, key: StreamKey) -> bool:
        """Whether new records have to go behind what is spooled."""
        backlog = self.own.backlogs.get(key)
        return backlog is not None and backlog.outstanding > 0

    def put(
        self,
        key: StreamKey,
        record_key: bytes,
        value: bytes,
        headers: Headers,
        done: Callable[[Unavailable | None], None],
    ) -> Copy:
        """Accept a record behind all others of its stream.

        ``done`` is called once: with ``None`` when it is durable, or with the reason why the disk
        did not take it.

        Raises:
            SpoolFull: there is no room; ``done`` will not be called.
        """
        now = time.time()
        payload = encode_entry(Entry(record_key, value, headers, int(now * 1000)))
        backlog = self.own.backlogs.get(key)
        if backlog is None:
            backlog = self.own.backlogs[key] = Backlog(key)
        frame = encode_frame(backlog.next_sequence, payload)
        try:
            self.quota.reserve(key.source, len(frame) + SEGMENT_HEADER_BYTES)
        except Full as full:
            self.answers.refuse(key.source, str(full) if full.is_whole else None)
            raise SpoolFull(str(full)) from None
        sequence = backlog.take(now)
        self._writer.put(Put(backlog, frame, sequence, done))
        return Copy(backlog, sequence)

    async def advance(self, held: Held, backlog: Backlog, position: Position) -> OSError | None:
        """Everything of a stream before ``position`` was acknowledged: note it, make room.

        Returns:
            why the note is not durable: after a crash the entries would be sent once more.
        """
        stream = held.store.streams[backlog.key]

        def advance() -> tuple[int, OSError | None]:
            before = stream.size
            error = None
            try:
                stream.advance(position)
            except OSError as caught:
                error = caught
            return before - stream.size, error

        freed, error = await self.thread.run(advance)
        self.quota.add(backlog.key.source, -freed)
        return error

    async def adopt(self) -> int:
        """Take over directories whose owner is gone; how many there were.

        Raises:
            OSError: the directory of all of them cannot be read.
        """
        found = await self._looking.run(
            partial(open_orphans, self._root, self._orphaned_after_s, self._segment_bytes)
        )
        for held in found:
            # What others left takes the same disk: with it this one may keep less.
            self._account(held.store.sizes())
        self.adopted += found
        return len(found)

    async def look_after(self) -> None:
        """Say that the owner is alive, and leave what was taken over and is empty to others."""
        done = [held for held in self.adopted if not held.outstanding]
        self.adopted = [held for held in self.adopted if held.outstanding]

        def look_after() -> list[dict[str, int]]:
            for held in (self.own, *self.adopted):
                held.store.touch()
            left = [held.store.sizes() for held in done]
            for held in done:
                held.store.close()
            return left

        for sizes in await self.thread.run(look_after):
            self._account(sizes, -1)

    async def close(self, limit_s: float) -> None:
        """Write what was put, for at most ``limit_s``, and leave the directories."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._writer.drained()
                await self.thread.run(self._close)
        await self._writer.stop()

    def _account(self, sizes: Mapping[str, int], sign: int = 1) -> None:
        for source, size in sizes.items():
            self.quota.add(source, sign * size)

    def _close(self) -> None:
        for held in (self.own, *self.adopted):
            held.store.close()

    def _wrote(self, puts: Sequence[Put], written: Written) -> None:
        for key, size in written.grown.items():
            self.quota.add(key.source, size)
        for error in written.failed.values():
            self._outage.failed(error)
        if not written.failed:
            self.answers.written()
            self._outage.over()
        for put in puts:
            self._settle(put, written.failed.get(put.backlog.key))
        self.on_change()

    def _settle(self, put: Put, error: OSError | None) -> None:
        source = put.backlog.key.source
        self.quota.add(source, -len(put.frame) - SEGMENT_HEADER_BYTES)
        put.backlog.unwritten -= 1
        if error is None:
            self.answers.accepted(source)
            put.done(None)
            return
        put.backlog.drop(1)
        why = f"the spool cannot be written: {error.strerror or error}"
        self.answers.refuse(source, why)
        put.done(SpoolFull(why))
