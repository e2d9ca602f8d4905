"""One order of entries on disk: segments that are only appended to, and a cursor behind them.

Not for two threads at once. Its memory does not grow with what it holds. A segment that was written
to before a crash is not written to again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from services.ingest.spool.disk import Appender, Disk
from services.ingest.spool.frames import (
    FRAME_HEADER_BYTES,
    SEGMENT_HEADER_BYTES,
    Cursor,
    Entry,
    Invalid,
    Position,
    SegmentHeader,
    decode_entry,
    encode_cursor,
    encode_segment_header,
    frame_bytes,
    frames,
)
from services.ingest.spool.survey import CURSOR, Segment, segment_name, survey

MOST_ENTRIES = 1000
"""Most entries of one read."""


class Read(NamedTuple):
    """One entry as it was read, and where the next one begins."""

    sequence: int
    entry: Entry
    end: Position


class Stream:
    """Entries in the order in which they were appended.

    Args:
        disk: its directory; what is there is recovered.
        segment_bytes: a larger segment is followed by a new one.

    Raises:
        NewerFormat: it was written by a later version; nothing was changed.
        OSError: it cannot be read.

    Attributes:
        entries: how many were found that the broker has not acknowledged.
        oldest_ms: when the first of them was accepted.
        next_sequence: greater than every sequence in it.
        cut_bytes: what was torn off at its end.
        damaged: names of segments with accepted entries that cannot be read any more; their files
            are kept under another name once the rest is delivered.
    """

    def __init__(self, disk: Disk, segment_bytes: int) -> None:
        self._disk = disk
        self._segment_bytes = segment_bytes
        self._active: Appender | None = None
        found = survey(disk)
        self._segments = found.segments
        self._cursor = found.cursor
        self._last_number = found.last_number
        self.entries = found.entries
        self.oldest_ms = found.oldest_ms
        self.next_sequence = found.next_sequence
        self.cut_bytes = found.cut_bytes
        self.damaged = found.damaged
        for name in found.needless:
            disk.remove(name)
        for name, size in found.cuts:
            # Also makes durable what a killed process had not synced.
            disk.truncate(name, size)
        if not found.entries and self._segments:
            # Nothing is left to be sent, so no file may make it look otherwise.
            self._cursor = Cursor(self._segments[-1].end, self.next_sequence)
        self._remove_consumed()
        self._at = self._cursor.position

    @property
    def size(self) -> int:
        """Bytes of its segments."""
        return sum(segment.length for segment in self._segments)

    def append(self, written: Sequence[bytes], next_sequence: int) -> None:
        """Write frames behind all others, durable when this returns.

        Args:
            written: encoded frames.
            next_sequence: greater than each of theirs.

        Raises:
            OSError: none of them is there.
        """
        if self._active is not None and self._segments[-1].length >= self._segment_bytes:
            self._seal()
        data = b"".join(written)
        try:
            if self._active is None:
                data = self._begin() + data
            self._active.write(data)  # type: ignore[union-attr]
            self._active.sync()  # type: ignore[union-attr]
        except OSError:
            self._give_up()
            raise
        self._segments[-1].length += len(data)
        self.next_sequence = next_sequence

    def read(self, limit_bytes: int) -> list[Read]:
        """The next entries, some ``limit_bytes`` of them; empty when all were read."""
        for segment in self._segments:
            if segment.number < self._at.number:
                continue
            if segment.number > self._at.number:
                self._at = Position(segment.number, SEGMENT_HEADER_BYTES)
            if self._at.offset >= segment.length:
                continue
            found = self._read_from(segment, limit_bytes)
            if found:
                self._at = found[-1].end
                return found
        return []

    def rewind(self) -> None:
        """Read again from the cursor."""
        self._at = self._cursor.position

    def advance(self, position: Position) -> int:
        """Everything before ``position`` was acknowledged: note it and remove what is not needed.

        Returns:
            bytes that were freed.

        Raises:
            OSError: the note is not durable, so after a crash the entries are sent once more; what
                could be removed was.
        """
        before = self.size
        self._cursor = Cursor(position, self.next_sequence)
        try:
            self._disk.replace(CURSOR, encode_cursor(self._cursor))
        finally:
            # On a full disk only this makes room. A cursor within a segment that is gone means the
            # begin of the next one.
            self._remove_consumed()
        return before - self.size

    def close(self) -> None:
        """End writing; another may recover it."""
        self._seal()

    def _begin(self) -> bytes:
        previous = self._segments[-1].end if self._segments else Position(0, 0)
        self._last_number += 1
        self._segments.append(Segment(self._last_number, 0))
        self._active = self._disk.create(segment_name(self._last_number))
        return encode_segment_header(SegmentHeader(self._last_number, previous))

    def _seal(self) -> None:
        if self._active is not None:
            self._active.close()
            self._active = None

    def _give_up(self) -> None:
        """After a failed write nobody knows what is in the file: it is not written to again."""
        self._seal()
        segment = self._segments[-1]
        # What stays there is bounded by the header of the next segment.
        with contextlib.suppress(OSError):
            if segment.length:
                self._disk.truncate(segment.name, segment.length)
            else:
                self._disk.remove(segment.name)
        if not segment.length:
            self._segments.pop()

    def _read_from(self, segment: Segment, limit_bytes: int) -> list[Read]:
        at = self._at.offset
        left = segment.length - at
        data = self._disk.read(segment.name, at, min(max(limit_bytes, FRAME_HEADER_BYTES), left))
        size = frame_bytes(data)
        if size is not None and len(data) < size <= left:
            data = self._disk.read(segment.name, at, size)
        found: list[Read] = []
        for frame in frames(data):
            try:
                entry = decode_entry(frame.payload)
            except Invalid:
                break
            found.append(Read(frame.sequence, entry, Position(segment.number, at + frame.end)))
            if len(found) == MOST_ENTRIES:
                break
        if not found:
            self._damage(segment, at)
        return found

    def _damage(self, segment: Segment, readable: int) -> None:
        """Accepted entries beyond ``readable`` cannot be read any more."""
        if segment is self._segments[-1]:
            self._seal()  # what was written behind it would not be found
        segment.length = readable
        if not segment.is_damaged:
            segment.is_damaged = True
            self.damaged.append(segment.name)

    def _remove_consumed(self) -> None:
        position = self._cursor.position
        while self._segments and position >= self._segments[0].end:
            segment = self._segments[0]
            if segment is self._segments[-1]:
                self._seal()
            if segment.is_damaged:
                self._disk.rename(segment.name, f"{segment.name}.damaged")
            else:
                self._disk.remove(segment.name)
            self._segments.pop(0)
