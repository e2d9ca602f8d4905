"""Committed offsets of the consumer groups: a journal, synced before the answer.

Each line is a CRC-32C and a JSON change. The journal is replaced by its live content when most of
it is history, so its size stays bounded by what is committed.
"""

import asyncio
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import crc32c

from .errors import ErrorCode
from .files import sync_directory, write_atomically, write_fully
from .flusher import Flusher, Job
from .partition_log import Outcome

_COMPACT_FROM_BYTES = 4 * 1024 * 1024
Key = tuple[str, int]


class Committed(NamedTuple):
    """One committed position."""

    offset: int
    metadata: str
    committed_ms: int


Change = tuple[str, str, int, Committed | None]  # group, topic, partition, None to forget


class OffsetStore:
    """Committed offsets by group; a change is visible once it is durable."""

    def __init__(self, path: Path, flusher: Flusher) -> None:
        self._path = path
        self._flusher = flusher
        self._offsets: dict[str, dict[Key, Committed]] = {}
        self._size = 0
        self._pending: list[Change] = []
        self._flushing: list[Change] = []
        self._flushing_bytes = 0
        self._next: Outcome | None = None
        self._current: Outcome | None = None

    def groups(self) -> list[str]:
        """Groups that have committed offsets."""
        return list(self._offsets)

    def of(self, group: str) -> dict[Key, Committed]:
        """The committed offsets of a group; not to be changed."""
        return self._offsets.get(group, {})

    def __iter__(self) -> Iterator[tuple[str, Key, Committed]]:
        for group, offsets in self._offsets.items():
            for key, committed in offsets.items():
                yield group, key, committed

    def change(self, changes: Iterable[Change]) -> Outcome:
        """Commit or forget offsets; the future tells whether it became durable."""
        self._pending.extend(changes)
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
            self._flusher.request(self)
        return self._next

    def begin_flush(self) -> Job | None:
        """Write the collected changes; or, now and then, everything that is live."""
        if not self._pending:
            return None
        self._flushing, self._pending = self._pending, []
        self._current, self._next = self._next, None
        encoded = b"".join(map(_encode, self._flushing))
        position = self._size
        if position > max(_COMPACT_FROM_BYTES, 4 * self._live_bytes()):
            live = [(g, t, p, c) for g, (t, p), c in self]
            content = b"".join(map(_encode, live)) + encoded
            self._flushing_bytes = len(content) - position
            return lambda: write_atomically(self._path, content)
        self._flushing_bytes = len(encoded)
        return lambda: self._append(encoded, position)

    def finish_flush(self, error: OSError | None) -> None:
        """Apply what is durable."""
        changes, self._flushing = self._flushing, []
        if error is None:
            self._size += self._flushing_bytes
            for change in changes:
                self._apply(change)
        outcome, self._current = self._current, None
        if outcome is not None and not outcome.done():
            outcome.set_result(ErrorCode.KAFKA_STORAGE_ERROR if error else ErrorCode.NONE)

    def load(self) -> None:
        """Read the journal; a torn tail is cut off. Blocks, before the start."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if not self._path.exists():
            return
        content = self._path.read_bytes()
        while self._size < len(content):
            end = content.find(b"\n", self._size)
            change = _decode(content[self._size : end]) if end >= 0 else None
            if change is None:
                os.truncate(self._path, self._size)
                return
            self._apply(change)
            self._size = end + 1

    def _live_bytes(self) -> int:
        return 100 * sum(map(len, self._offsets.values()))

    def _append(self, encoded: bytes, position: int) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o640)
        try:
            write_fully(descriptor, [encoded], position)
            os.fdatasync(descriptor)
        except OSError:
            os.ftruncate(descriptor, position)
            raise
        finally:
            os.close(descriptor)
        if position == 0:
            sync_directory(self._path.parent)

    def _apply(self, change: Change) -> None:
        group, topic, partition, committed = change
        offsets = self._offsets.setdefault(group, {})
        if committed is None:
            offsets.pop((topic, partition), None)
        else:
            offsets[(topic, partition)] = committed
        if not offsets:
            del self._offsets[group]


def _encode(change: Change) -> bytes:
    line = json.dumps(change).encode()
    return b"%08x %s\n" % (crc32c.crc32c(line), line)


def _decode(line: bytes) -> Change | None:
    try:
        if int(line[:8], 16) != crc32c.crc32c(line[9:]):
            return None
        group, topic, partition, committed = json.loads(line[9:])
    except ValueError:
        return None
    return group, topic, partition, None if committed is None else Committed(*committed)
