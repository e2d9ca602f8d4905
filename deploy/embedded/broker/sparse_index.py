"""The sparse index of one segment: offset and time → position in the file.

One entry for every 4 KiB of log at most. The file is written when a segment is closed and names
the log size that it describes: any other size means that it is stale, and it is built again by
reading the segment.
"""

import struct
from array import array
from bisect import bisect_left, bisect_right
from pathlib import Path

import crc32c

from .files import write_atomically

INTERVAL_BYTES = 4096
_HEAD = struct.Struct(">4sqqqi")
_MAGIC = b"IDX1"
NO_TIMESTAMP = -1


class SparseIndex:
    """Entries in log order: offset, position, and the newest timestamp before that position."""

    __slots__ = ("offsets", "positions", "timestamps")

    def __init__(self) -> None:
        self.offsets = array("q")
        self.positions = array("q")
        self.timestamps = array("q")

    def note(self, offset: int, position: int, newest_before: int) -> None:
        """Remember a batch, if the last entry is far enough behind it."""
        if not self.positions or position - self.positions[-1] >= INTERVAL_BYTES:
            self.offsets.append(offset)
            self.positions.append(position)
            self.timestamps.append(newest_before)

    def position_of(self, offset: int) -> int:
        """Where to start reading for ``offset``: less than 4 KiB before its batch."""
        entry = bisect_right(self.offsets, offset) - 1
        return self.positions[entry] if entry >= 0 else 0

    def position_of_time(self, timestamp: int) -> int:
        """Where to start searching for the first record that is not older than ``timestamp``."""
        entry = bisect_left(self.timestamps, timestamp) - 1
        return self.positions[entry] if entry >= 0 else 0

    def save(self, path: Path, *, size: int, next_offset: int, newest: int) -> None:
        """Write the index of a log of ``size`` bytes; its checksum makes syncing needless."""
        head = _HEAD.pack(_MAGIC, size, next_offset, newest, len(self.offsets))
        body = b"".join(part.tobytes() for part in (self.offsets, self.positions, self.timestamps))
        content = head + body
        checksum = struct.pack(">I", crc32c.crc32c(content))
        write_atomically(path, content + checksum, durable=False)


def load_index(path: Path, size: int) -> tuple[SparseIndex, int, int] | None:
    """The index, next offset and newest timestamp for a log of ``size`` bytes; None if stale."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(content) < _HEAD.size + 4:
        return None
    magic, described, next_offset, newest, count = _HEAD.unpack_from(content)
    body = content[_HEAD.size : -4]
    (crc,) = struct.unpack(">I", content[-4:])
    if magic != _MAGIC or described != size or len(body) != count * 24:
        return None
    if crc32c.crc32c(content[:-4]) != crc:
        return None
    index = SparseIndex()
    for number, part in enumerate((index.offsets, index.positions, index.timestamps)):
        part.frombytes(body[number * count * 8 : (number + 1) * count * 8])
    return index, next_offset, newest
