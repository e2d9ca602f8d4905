"""The async edge: entries that come together share one write and one fsync.

The event loop counts and decides; one thread of its own touches the disk, for writing, reading and
removing alike, so that nothing there happens at the same time.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from services.ingest.spool.backlog import Backlog
from services.ingest.spool.claim import claim_first, claim_orphans
from services.ingest.spool.disk import make_directory
from services.ingest.spool.frames import (
    SEGMENT_HEADER_BYTES,
    Entry,
    NewerFormat,
    Position,
    encode_entry,
    encode_frame,
)
from services.ingest.spool.quota import Full, Quota
from services.ingest.spool.store import Group, Store, StreamKey
from shared.contracts.envelope import Headers
from shared.runtime import logging
from shared.runtime.blocking import BlockingThread
from shared.runtime.errors import ConfigurationError, Unavailable
from shared.runtime.outage import Outage

GROUP_BYTES = 4 * 1024 * 1024
"""Most bytes of one write, but for a single larger entry."""
MOST_SEGMENT_BYTES = 16 * 1024 * 1024
REFUSAL_SECONDS = 5.0
"""After so long without a refusal it is tried again: nobody sends to what says that it cannot."""

log = logging.logger("ingest")


class SpoolFull(Unavailable):
    """Raised when neither the broker nor the spool takes a record: it was not accepted."""


class Copy(NamedTuple):
    """An entry that the producer may deliver too: it was under way when it was spooled."""

    backlog: Backlog
    sequence: int

    def delivered(self) -> None:
        """The broker has it after all: it need not be sent again."""
        self.backlog.delivered(self.sequence)


@dataclass(slots=True)
class _Put:
    backlog: Backlog
    frame: bytes
    sequence: int
    done: Callable[[Unavailable | None], None]


@dataclass(slots=True)
class Held:
    """One directory that this instance owns, and what is known of its streams."""

    store: Store
    backlogs: dict[StreamKey, Backlog] = field(default_factory=dict)


class Spool:
    """What an instance keeps on disk for the broker.

    Args:
        root: directory of all instances of one environment that share a file system.
        max_bytes: of the files of this instance.
        share: of it that one source may take.

    Raises:
        ConfigurationError: the directory cannot be used.

    Attributes:
        own: where new entries go.
        adopted: directories of instances that are gone.
        spooled, refused: entries accepted, and not accepted, by source since the start.
    """

    def __init__(self, root: Path, *, max_bytes: int, share: float) -> None:
        self.quota = Quota(max_bytes, share)
        self._root = root
        self._segment_bytes = min(MOST_SEGMENT_BYTES, max(1, self.quota.source_bytes // 8))
        self.thread = BlockingThread("spool")
        self.adopted: list[Held] = []
        self._refusal: str | None = None
        self._refused_at = 0.0
        self.spooled: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self.on_change: Callable[[], None] = lambda: None
        """Called when entries became durable or could not be written."""
        self._queue: list[_Put] = []
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._writer: asyncio.Task[None] | None = None
        self._outage = Outage(log, "the spool cannot be written", directory=str(root))
        self.own = self._open()
        for source, size in self.own.store.sizes().items():
            self.quota.add(source, size)

    def start(self) -> None:
        """Begin to write what is put."""
        self._writer = asyncio.get_running_loop().create_task(self._write(), name="write the spool")

    @property
    def refusal(self) -> str | None:
        """Why it takes nothing now; ``None`` when it does, or when it has not been tried lately."""
        is_recent = time.monotonic() - self._refused_at < REFUSAL_SECONDS
        return self._refusal if is_recent else None

    @property
    def outstanding(self) -> int:
        """Entries that the broker does not have."""
        return sum(backlog.outstanding for _, backlog in self.backlogs())

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
            self._refuse(key.source, str(full) if full.is_whole else None)
            raise SpoolFull(str(full)) from None
        sequence = backlog.take(now)
        self._queue.append(_Put(backlog, frame, sequence, done))
        self._wake.set()
        self._drained.clear()
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
        if held is self.own:
            self.quota.add(backlog.key.source, -freed)
        return error

    async def adopt(self) -> int:
        """Take over directories whose owner is gone; how many there were.

        Raises:
            OSError, NewerFormat: one cannot be read; it is left alone.
        """
        found = await self.thread.run(self._claim_orphans)
        self.adopted += found
        return len(found)

    async def close(self, limit_s: float) -> None:
        """Write what was put, for at most ``limit_s``, and leave the directories."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._drained.wait()
                await self.thread.run(self._close)
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer})

    def _close(self) -> None:
        for held in (self.own, *self.adopted):
            held.store.close()

    def _open(self) -> Held:
        try:
            make_directory(self._root)
            claim = claim_first(self._root)
            return _held(Store(claim, self._segment_bytes))
        except NewerFormat as error:
            raise ConfigurationError(
                f"the spool in {self._root} was written by a later version ({error})",
                "start that version, or let it empty the spool first",
            ) from None
        except OSError as error:
            raise ConfigurationError(
                f"the spool's directory {self._root} cannot be used: {error.strerror or error}",
                "set BERGLINE_INGEST_SPOOL_DIR to a directory on a local disk that this user may "
                "write, or BERGLINE_INGEST_SPOOL=false to answer 503 while the broker is away",
            ) from None

    def _claim_orphans(self) -> list[Held]:
        found = []
        for claim in claim_orphans(self._root):
            try:
                found.append(_held(Store(claim, self._segment_bytes)))
            except BaseException:
                claim.release()
                raise
        return found

    def _refuse(self, source: str, why: str | None) -> None:
        """Count a delivery; ``why`` is given when those of other sources would be refused too."""
        self.refused[source] = self.refused.get(source, 0) + 1
        if why is not None:
            self._refusal = why
            self._refused_at = time.monotonic()

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self._write_group(self._group())
            self._drained.set()

    def _group(self) -> list[_Put]:
        size = 0
        for count, put in enumerate(self._queue):
            size += len(put.frame)
            if size > GROUP_BYTES and count:
                group, self._queue = self._queue[:count], self._queue[count:]
                return group
        group, self._queue = self._queue, []
        return group

    async def _write_group(self, puts: list[_Put]) -> None:
        groups: dict[StreamKey, Group] = {}
        for put in puts:
            key = put.backlog.key
            frames = groups[key].frames if key in groups else []
            frames.append(put.frame)
            groups[key] = Group(frames, put.sequence + 1)
        store = self.own.store

        def write() -> tuple[dict[StreamKey, OSError], dict[StreamKey, int]]:
            before = {key: _size(store, key) for key in groups}
            failed = store.append(groups)
            return failed, {key: _size(store, key) - before[key] for key in groups}

        try:
            failed, grown = await self.thread.run(write)
        except Exception as unforeseen:
            # Whatever it is, nobody is told that his delivery is kept.
            log.exception("the spool could not be written")
            what = OSError(f"{type(unforeseen).__name__}: {unforeseen}")
            failed, grown = dict.fromkeys(groups, what), {}
        for key, size in grown.items():
            self.quota.add(key.source, size)
        for error in failed.values():
            self._outage.failed(error)
        if not failed:
            self._refusal = None
            self._outage.over()
        for put in puts:
            self._settle(put, failed.get(put.backlog.key))
        self.on_change()

    def _settle(self, put: _Put, error: OSError | None) -> None:
        source = put.backlog.key.source
        self.quota.add(source, -len(put.frame) - SEGMENT_HEADER_BYTES)
        put.backlog.unwritten -= 1
        if error is None:
            self.spooled[source] = self.spooled.get(source, 0) + 1
            put.done(None)
            return
        put.backlog.drop(1)
        why = f"the spool cannot be written: {error.strerror or error}"
        self._refuse(source, why)
        put.done(SpoolFull(why))


def _held(store: Store) -> Held:
    for key, stream in store.streams.items():
        for name in stream.damaged:
            log.error(
                "accepted entries of the spool cannot be read; the file is kept",
                file=str(store.directory / key.source / key.topic / name),
            )
        if stream.cut_bytes:
            log.warning(
                "a crash tore off the end of the spool; it was never answered",
                topic=key.topic,
                bytes=stream.cut_bytes,
            )
    return Held(store, {key: Backlog(key, stream) for key, stream in store.streams.items()})


def _size(store: Store, key: StreamKey) -> int:
    stream = store.streams.get(key)
    return stream.size if stream is not None else 0
