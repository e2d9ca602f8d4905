"""A planned read of one segment: safe to run in a thread while the log goes on."""

import errno
import os
from collections.abc import Callable

from .record_batch import HEADER_BYTES, batches_in
from .segment import Segment
from .sparse_index import INTERVAL_BYTES

_NOWAIT = getattr(os, "RWF_NOWAIT", 0)
_AHEAD_BYTES = INTERVAL_BYTES + HEADER_BYTES  # how far past its index entry a batch may start


class SegmentRead:
    """Opens the file when planned, so that a later swap or unlink does not matter.

    The file is closed with the plan, whether it ran or not.
    """

    def __init__(self, segment: Segment, offset: int, max_bytes: int, *, whole_first: bool) -> None:
        self._start = segment.index.position_of(offset)
        self._end = segment.size
        self._offset = offset
        self._max_bytes = max(max_bytes, 0)
        self._whole_first = whole_first
        self._descriptor = os.open(segment.path, os.O_RDONLY)

    def __del__(self) -> None:
        descriptor: int | None = getattr(self, "_descriptor", None)
        if descriptor is not None:
            os.close(descriptor)

    def run(self, *, cached_only: bool) -> memoryview:
        """The bytes from the batch that holds the offset (or is the next) on, up to the bound.

        The last batch may be cut, as Kafka allows; the first one is whole, whatever its size,
        if ``whole_first``, else nothing is returned when it does not fit. Raises OSError; with
        ``cached_only`` BlockingIOError when the disk is needed.
        """
        read = self._read_cached if cached_only and _NOWAIT else self._read
        start = self._start
        while start < self._end:
            data = read(start, min(self._end - start, self._max_bytes + _AHEAD_BYTES))
            passed = 0
            for header, position in batches_in(data):
                if header.last_offset >= self._offset:
                    return self._cut(read, data[position:], start + position, header.size)
                passed = position + header.size
            start += passed  # compaction has left a gap: the next batch lies further on
            if not passed:
                break
        return memoryview(b"")

    def _cut(
        self, read: Callable[[int, int], memoryview], found: memoryview, position: int, first: int
    ) -> memoryview:
        if first <= self._max_bytes:
            return found[: self._max_bytes]
        return read(position, first) if self._whole_first else memoryview(b"")

    def _read(self, position: int, count: int) -> memoryview:
        return memoryview(os.pread(self._descriptor, count, position))

    def _read_cached(self, position: int, count: int) -> memoryview:
        buffer = bytearray(count)
        try:
            got = os.preadv(self._descriptor, [buffer], position, _NOWAIT)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.EOPNOTSUPP):  # this file system cannot tell
                return self._read(position, count)
            raise
        if got < count:
            raise BlockingIOError
        return memoryview(buffer)
