"""One file of a partition's log, named by its first offset, with its sparse index.

No descriptor is kept: opening anew takes 3 µs, and compaction may replace the file. Recovery reads
the last segment whole and cuts it after the last batch that is complete and matches its checksum.
"""

import logging
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from .errors import CorruptLog
from .files import sync_directory
from .record_batch import HEADER_BYTES, BatchHeader, check_size, is_whole, read_header
from .sparse_index import NO_TIMESTAMP, SparseIndex, load_index

log = logging.getLogger(__name__)


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

    def recover(self, *, is_last: bool) -> None:
        """Learn size and index from the files.

        The torn tail of the last segment is cut off. Damage in an older one raises CorruptLog:
        it was complete once, and dropping acknowledged records silently would be worse.
        """
        size = self.path.stat().st_size
        self.first_append_ms = int(self.path.stat().st_mtime * 1000)
        known = load_index(self.index_path, size)
        if known is not None:
            self.size = size
            self.index, self.next_offset, self.newest_timestamp = known
            return
        self._scan(size)
        if self.size < size:
            if not is_last:
                raise CorruptLog(
                    f"{self.path} is damaged at byte {self.size} of {size}. Restore the file from "
                    "a backup, or delete the topic's directory and read its records again."
                )
            log.warning("cut %d bytes of a torn tail from %s", size - self.size, self.path)
            self._truncate()

    def batches(self, start: int = 0) -> Iterator[tuple[BatchHeader, int]]:
        """Header and position of the durable batches from a batch boundary on; raises OSError."""
        with self.path.open("rb", buffering=0) as file:
            while start + HEADER_BYTES <= self.size:
                header = read_header(os.pread(file.fileno(), HEADER_BYTES, start))
                check_size(header)
                yield header, start
                start += header.size

    def batch_at(self, header: BatchHeader, position: int) -> memoryview:
        """The bytes of one batch."""
        with self.path.open("rb", buffering=0) as file:
            return memoryview(os.pread(file.fileno(), header.size, position))

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
