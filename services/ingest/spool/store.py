"""The streams of one claimed directory, ``<number>/<source>/<topic>/``; for one thread at a time.

Written together, each stream is fsynced by itself: a failure of one does not refuse the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from services.ingest.spool.claim import Claim, stream_directories
from services.ingest.spool.disk import PosixDisk
from services.ingest.spool.stream import Stream

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class StreamKey(NamedTuple):
    """What one order is promised for: a source and a logical topic."""

    source: str
    topic: str


class Group(NamedTuple):
    """What is appended to one stream at once."""

    frames: list[bytes]
    next_sequence: int


class Store:
    """Streams by their key; those that are there already are recovered.

    Args:
        claim: the directory; released by :meth:`close`.
        segment_bytes: see :class:`~services.ingest.spool.stream.Stream`.

    Raises:
        NewerFormat, OSError: as a stream does.
    """

    def __init__(self, claim: Claim, segment_bytes: int) -> None:
        self._claim = claim
        self._segment_bytes = segment_bytes
        self.streams = {
            StreamKey(source, topic): Stream(PosixDisk(path), segment_bytes)
            for source, topic, path in stream_directories(claim.directory)
        }

    @property
    def directory(self) -> Path:
        """Where it is."""
        return self._claim.directory

    def append(self, groups: Mapping[StreamKey, Group]) -> dict[StreamKey, OSError]:
        """Write to each stream, durable when this returns, except to those that failed."""
        failed: dict[StreamKey, OSError] = {}
        for key, group in groups.items():
            try:
                self._stream(key).append(group.frames, group.next_sequence)
            except OSError as error:
                failed[key] = error
        return failed

    def sizes(self) -> dict[str, int]:
        """Bytes on disk by source."""
        found: dict[str, int] = {}
        for key, stream in self.streams.items():
            found[key.source] = found.get(key.source, 0) + stream.size
        return found

    def size(self, key: StreamKey) -> int:
        """Bytes on disk of one stream."""
        stream = self.streams.get(key)
        return stream.size if stream is not None else 0

    def touch(self) -> None:
        """Say that the owner of the directory is alive."""
        self._claim.touch()

    def close(self) -> None:
        """Leave the directory to others."""
        for stream in self.streams.values():
            stream.close()
        self._claim.release()

    def _stream(self, key: StreamKey) -> Stream:
        stream = self.streams.get(key)
        if stream is None:
            directory = self.directory
            for name in key:
                if not _NAME.fullmatch(name):
                    raise OSError(f"{name!r} cannot be the name of a directory")
                directory /= name
            stream = Stream(PosixDisk(directory), self._segment_bytes)
            self.streams[key] = stream
        return stream
