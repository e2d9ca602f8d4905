"""One file of a partition's log, named by its first offset, with its sparse index.

Reads open the file anew (3 µs): no descriptor is kept, so retention may unlink and compaction may
replace a file while it is read. Recovery reads the last segment whole and cuts it after the last
batch that is complete and matches its checksum.
"""

import logging
import mmap
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import CorruptLog
from .files import sync_directory
from .record_batch import HEADER_BYTES, BatchHeader, is_whole, read_header
from .sparse_index import INTERVAL_BYTES, NO_TIMESTAMP, SparseIndex, load_index

log = logging.getLogger(__name__)

_NOWAIT = getattr(os, "RWF_NOWAIT", 0)
_SLACK = INTERVAL_BYTES + HEADER_BYTES  # how far past its index entry a batch may start
_UNSUPPORTED = (22, 95)  # EINVAL, EOPNOTSUPP: this file system cannot tell what is cached


class Segment:
    """A run of batches. Only what is durable counts in ``size`` and ``next_offset``."""

    def __init__(self, directory: Path, base_offset: int) -> None:
        self.base_offset = base_offset
        self.path = directory / f"{base_offset:020d}.log"
        self.index = SparseIndex()
        self.size = 0
        self.next_offset = base_offset
        self.newest_timestamp = NO_TIMESTAMP
        self.first_append_ms = 0

    @property
    def index_path(self) -> Path:
        """The index file beside the log file."""
        return self.path.with_suffix(".index")

    def note(self, header: BatchHeader, base_offset: int, size: int, max_timestamp: int) -> None:
        """Count a batch that is now durable at the end of the file."""
        self.index.note(base_offset, self.size, self.newest_timestamp)
        self.newest_timestamp = max(self.newest_timestamp, max_timestamp)
        self.size += size
        self.next_offset = base_offset + header.last_offset_delta + 1

    def save_index(self) -> None:
        """Write the index of a segment that will not grow any more (or: until the next start)."""
        self.index.save(
            self.index_path,
            size=self.size,
            next_offset=self.next_offset,
            newest=self.newest_timestamp,
        )

    def create(self) -> None:
        """Make the empty file, durably. Blocks; raises OSError."""
        self.path.touch()
        sync_directory(self.path.parent)

    def remove(self) -> None:
        """Unlink the files."""
        self.path.unlink(missing_ok=True)
        self.index_path.unlink(missing_ok=True)

    def recover(self, *, is_last: bool) -> bool:
        """Learn size and index from the files; whether the index on disk was good enough.

        The torn tail of the last segment is cut off. Damage in an older one raises CorruptLog:
        it was complete once, and dropping acknowledged records silently would be worse.
        """
        size = self.path.stat().st_size
        self.first_append_ms = int(self.path.stat().st_mtime * 1000)
        known = load_index(self.index_path, size)
        if known is not None:
            self.size = size
            self.index, self.next_offset, self.newest_timestamp = known
            return True
        self._scan(size)
        if self.size < size:
            if not is_last:
                raise CorruptLog(
                    f"{self.path} is damaged at byte {self.size} of {size}. Restore the file from "
                    "a backup, or delete the topic's directory and read its records again."
                )
            log.warning("cut %d bytes of a torn tail from %s", size - self.size, self.path)
            self._truncate()
        return False

    def headers(self, start: int = 0, end: int | None = None) -> Iterator[tuple[BatchHeader, int]]:
        """Header and position of the durable batches from a batch boundary on."""
        limit = self.size if end is None else end
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            while start + HEADER_BYTES <= limit:
                header = read_header(os.pread(descriptor, HEADER_BYTES, start))
                yield header, start
                start += header.size
        finally:
            os.close(descriptor)

    def batch_at(self, header: BatchHeader, position: int) -> memoryview:
        """The bytes of one batch."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            return memoryview(os.pread(descriptor, header.size, position))
        finally:
            os.close(descriptor)

    def _scan(self, size: int) -> None:
        if size == 0:
            return
        with (
            self.path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as view,
        ):
            while self.size < size:
                with view[self.size :] as rest:
                    header = is_whole(rest)
                if header is None or header.base_offset < self.next_offset:
                    return
                self.note(header, header.base_offset, header.size, header.max_timestamp)

    def _truncate(self) -> None:
        descriptor = os.open(self.path, os.O_WRONLY)
        try:
            os.ftruncate(descriptor, self.size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_all(segments: list[Segment]) -> None:
    """Unlink the files of several segments."""
    for segment in segments:
        segment.remove()


class SegmentRead:
    """A planned read of one segment: safe to run in a thread while the log goes on.

    The file is opened when the plan is made, so that a later swap or unlink does not matter.
    """

    def __init__(self, segment: Segment, offset: int, max_bytes: int, *, whole_first: bool) -> None:
        self._start = segment.index.position_of(offset)
        self._end = segment.size
        self._offset = offset
        self._max_bytes = max(max_bytes, 0)
        self._whole_first = whole_first
        self._descriptor = os.open(segment.path, os.O_RDONLY)

    def run(self, *, cached_only: bool) -> memoryview:
        """The bytes from the batch that holds the offset on, cut after ``max_bytes``.

        The last batch may be cut, as Kafka allows; the first one is whole, whatever its size,
        if ``whole_first``, else nothing is returned when it does not fit. Raises BlockingIOError
        (and keeps the file open for another run) if ``cached_only`` and the disk is needed.
        """
        read = self._read_cached if cached_only and _NOWAIT else self._read
        try:
            data = read(self._start, min(self._end - self._start, self._max_bytes + _SLACK))
            position = 0
            while position + HEADER_BYTES <= len(data):
                header = read_header(data, position)
                if header.last_offset >= self._offset:
                    data = self._cut(read, data, position, header)
                    break
                position += header.size
            else:
                data = memoryview(b"")
        except BlockingIOError:
            raise
        except BaseException:
            self.close()
            raise
        self.close()
        return data

    def close(self) -> None:
        """Release the file; harmless when done already."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _cut(
        self,
        read: Callable[[int, int], memoryview],
        data: memoryview,
        position: int,
        first: BatchHeader,
    ) -> memoryview:
        if first.size > self._max_bytes:
            return read(self._start + position, first.size) if self._whole_first else data[:0]
        return data[position : position + self._max_bytes]

    def _read(self, position: int, count: int) -> memoryview:
        return memoryview(os.pread(self._descriptor, count, position))

    def _read_cached(self, position: int, count: int) -> memoryview:
        buffer = bytearray(count)
        try:
            got = os.preadv(self._descriptor, [buffer], position, _NOWAIT)
        except OSError as error:
            if error.errno in _UNSUPPORTED:
                return self._read(position, count)
            raise
        if got < count:
            raise BlockingIOError
        return memoryview(buffer)
