"""Committed offsets of the consumer groups: a journal, synced before the answer.

Each line is a CRC-32C and a JSON change. The journal is replaced by its live content when most of
it is history, so its size stays bounded by what is committed.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import crc32c

from .files import append_durably, make_directory, write_atomically
from .flusher import Flusher, Job
from .group_commit import GroupCommit, Outcome

log = logging.getLogger(__name__)

_COMPACT_FROM_BYTES = 4 * 1024 * 1024
_TYPICAL_LINE_BYTES = 100
Key = tuple[str, int]


class Committed(NamedTuple):
    """One committed position."""

    offset: int
    metadata: str
    committed_ms: int


Change = tuple[str, str, int, Committed | None]  # group, topic, partition, None to forget


class OffsetStore(GroupCommit[Change]):
    """Committed offsets by group; a change is visible once it is durable."""

    def __init__(self, path: Path, flusher: Flusher) -> None:
        super().__init__(flusher)
        self._path = path
        self._offsets: dict[str, dict[Key, Committed]] = {}
        self._size = 0
        self._written_bytes = 0

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

    def change(self, changes: list[Change]) -> Outcome:
        """Commit or forget offsets; the future tells whether it became durable."""
        return self.collect(changes)

    def forget(self, matches: Callable[[str, str], bool]) -> Outcome:
        """Forget what ``matches(group, topic)``, commits that are still being written included."""
        held = {(group, topic, part): None for group, (topic, part), _ in self}
        held |= {change[:3]: None for change in self.unpublished}
        return self.change([(*key, None) for key in held if matches(key[0], key[1])])

    def write_job(self, items: list[Change]) -> Job:
        """Write the collected changes; or, now and then, everything that is live."""
        encoded = b"".join(map(_encode, items))
        live_bytes = _TYPICAL_LINE_BYTES * sum(map(len, self._offsets.values()))
        position = self._size
        if position <= max(_COMPACT_FROM_BYTES, 4 * live_bytes):
            self._written_bytes = len(encoded)
            return lambda: append_durably(self._path, [encoded], position)
        live = [(group, topic, part, committed) for group, (topic, part), committed in self]
        content = b"".join(map(_encode, live)) + encoded
        self._written_bytes = len(content) - position
        return lambda: write_atomically(self._path, content)

    def publish(self, items: list[Change]) -> None:
        """Apply what is durable."""
        self._size += self._written_bytes
        for change in items:
            self._apply(change)

    def take_back(self, items: list[Change]) -> None:
        """Nothing: changes are applied only when they are durable."""

    def load(self) -> None:
        """Read the journal; a torn tail is cut off. Blocks, before the start."""
        make_directory(self._path.parent)
        if not self._path.exists():
            return
        content = self._path.read_bytes()
        while self._size < len(content):
            end = content.find(b"\n", self._size)
            change = _decode(content[self._size : end]) if end >= 0 else None
            if change is None:
                torn = len(content) - self._size
                log.warning("cut %d bytes of a torn tail from %s", torn, self._path)
                os.truncate(self._path, self._size)
                return
            self._apply(change)
            self._size = end + 1

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
