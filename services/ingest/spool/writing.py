"""Group commit: entries that come together share one write and one fsync."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.ingest.spool.backlog import Backlog
from services.ingest.spool.store import Group, Store, StreamKey
from shared.runtime import logging
from shared.runtime.blocking import BlockingThread
from shared.runtime.errors import Unavailable

GROUP_BYTES = 4 * 1024 * 1024
"""Most bytes of one write, but for a single larger entry."""

log = logging.logger("ingest")


@dataclass(slots=True)
class Put:
    """An entry that is to be written.

    Attributes:
        backlog: of its stream.
        frame: its bytes.
        sequence: its place in the stream.
        done: to be called once it is known what became of it.
    """

    backlog: Backlog
    frame: bytes
    sequence: int
    done: Callable[[Unavailable | None], None]


class Written(NamedTuple):
    """What became of a group: streams that failed, and how much each stream grew."""

    failed: Mapping[StreamKey, OSError]
    grown: Mapping[StreamKey, int]


class GroupWriter:
    """Writes in the order in which entries were put.

    Args:
        thread: the only one that touches the store.
        store: where to.
        wrote: told each group and what became of it.
    """

    def __init__(
        self,
        thread: BlockingThread,
        store: Store,
        wrote: Callable[[Sequence[Put], Written], None],
    ) -> None:
        self._thread = thread
        self._store = store
        self._wrote = wrote
        self._queue: list[Put] = []
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write what is put."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="write the spool")

    def put(self, put: Put) -> None:
        """Queue an entry."""
        self._queue.append(put)
        self._wake.set()
        self._drained.clear()

    async def drained(self) -> None:
        """Return when everything that was put is written."""
        await self._drained.wait()

    async def stop(self) -> None:
        """End; what is queued is not written."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self._write(self._group())
            self._drained.set()

    def _group(self) -> list[Put]:
        size = 0
        for count, put in enumerate(self._queue):
            size += len(put.frame)
            if size > GROUP_BYTES and count:
                group, self._queue = self._queue[:count], self._queue[count:]
                return group
        group, self._queue = self._queue, []
        return group

    async def _write(self, puts: Sequence[Put]) -> None:
        groups: dict[StreamKey, Group] = {}
        for put in puts:
            key = put.backlog.key
            frames = groups[key].frames if key in groups else []
            frames.append(put.frame)
            groups[key] = Group(frames, put.sequence + 1)
        store = self._store

        def write() -> Written:
            before = {key: store.size(key) for key in groups}
            failed = store.append(groups)
            return Written(failed, {key: store.size(key) - before[key] for key in groups})

        try:
            written = await self._thread.run(write)
        except Exception as unforeseen:
            # Whatever it is, nobody is told that his delivery is kept.
            log.exception("the spool could not be written")
            what = OSError(f"{type(unforeseen).__name__}: {unforeseen}")
            written = Written(dict.fromkeys(groups, what), {})
        self._wrote(puts, written)
