"""One order of entries on disk: segments that are only appended to, and a cursor behind them.

Not for two threads at once. Its memory does not grow with what it holds.

How a crash is told from damage: a segment's header says where the accepted entries of the segment
before it end, so a shorter one is damaged. Only the last segment may end in a torn frame, which was
never answered, and is cut. A segment that was written to before a crash is not written to again.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
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
    decode_cursor,
    decode_entry,
    decode_segment_header,
    encode_cursor,
    encode_segment_header,
    frame_bytes,
    frames,
)

CURSOR = "cursor"
MOST_ENTRIES = 1000
"""Most entries of one read."""

_SEGMENT = re.compile(r"(\d{12})\.segment")


class Read(NamedTuple):
    """One entry as it was read, and where the next one begins."""

    sequence: int
    entry: Entry
    end: Position


@dataclass(slots=True)
class _Segment:
    number: int
    length: int
    """Where its accepted entries end."""
    is_damaged: bool = False

    @property
    def name(self) -> str:
        return _name(self.number)

    @property
    def end(self) -> Position:
        return Position(self.number, self.length)


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
        self._segments: list[_Segment] = []
        self._active: Appender | None = None
        self._cursor = Cursor(Position(0, 0), 0)
        self._last_number = 0
        self.entries = 0
        self.oldest_ms: int | None = None
        self.next_sequence = 0
        self.cut_bytes = 0
        self.damaged: list[str] = []
        self._recover()
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
        self._segments.append(_Segment(self._last_number, 0))
        self._active = self._disk.create(_name(self._last_number))
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

    def _read_from(self, segment: _Segment, limit_bytes: int) -> list[Read]:
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

    def _damage(self, segment: _Segment, readable: int) -> None:
        """Accepted entries beyond ``readable`` cannot be read any more."""
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

    def _recover(self) -> None:
        names = set(self._disk.names())
        with contextlib.suppress(Invalid):
            # A damaged cursor only means that everything is sent once more.
            if CURSOR in names:
                self._cursor = decode_cursor(self._disk.read(CURSOR, 0, 4096))
        position = self._cursor.position
        self.next_sequence = self._cursor.next_sequence
        numbers = sorted(int(found[1]) for name in names if (found := _SEGMENT.fullmatch(name)))
        kept_aside = [int(name[:12]) for name in names if name.endswith(".segment.damaged")]
        self._last_number = max([position.number, *numbers, *kept_aside])
        headers = {number: self._header(number) for number in numbers}  # NewerFormat comes first
        needed = self._needed(numbers, headers)
        for number in numbers:
            if number not in needed or number < position.number:
                self._disk.remove(_name(number))
        for number in sorted(needed):
            if number >= position.number:
                self._scan(number, needed[number])
        self._remove_consumed()

    def _header(self, number: int) -> SegmentHeader | None:
        try:
            return decode_segment_header(self._disk.read(_name(number), 0, SEGMENT_HEADER_BYTES))
        except Invalid:
            return None

    def _needed(
        self, numbers: Sequence[int], headers: dict[int, SegmentHeader | None]
    ) -> dict[int, int | None]:
        """Segments with accepted entries and, where it is known, where these end.

        The others were given up after a failed write, or were delivered long ago.
        """
        left = list(numbers)
        while left and headers[left[-1]] is None and not self._whole(left[-1]):
            left.pop()  # torn when it was made: nothing in it was answered
        if not left:
            return {}
        needed: dict[int, int | None] = {left[-1]: None}
        while len(left) > 1:
            header = headers[left.pop()]
            if header is None:  # damaged
                needed[left[-1]] = None
                continue
            while left and left[-1] != header.previous.number:
                left.pop()
            if left:
                needed[left[-1]] = header.previous.offset
        return needed

    def _whole(self, number: int) -> bool:
        """Whether a frame stands behind a header that cannot be read."""
        name = _name(number)
        data = self._disk.read(name, SEGMENT_HEADER_BYTES, self._disk.size(name))
        return next(frames(data), None) is not None

    def _scan(self, number: int, accepted: int | None) -> None:
        """Take a segment up: its entries up to ``accepted``, or up to the first torn one."""
        name = _name(number)
        size = self._disk.size(name)
        data = self._disk.read(name, SEGMENT_HEADER_BYTES, size)
        if accepted is not None:
            data = data[: max(0, accepted - SEGMENT_HEADER_BYTES)]
        after = self._cursor.position.offset if self._cursor.position.number == number else 0
        end = SEGMENT_HEADER_BYTES
        for frame in frames(data):
            end = SEGMENT_HEADER_BYTES + frame.end
            self.next_sequence = max(self.next_sequence, frame.sequence + 1)
            if end > after:
                self.entries += 1
                if self.oldest_ms is None:
                    with contextlib.suppress(Invalid):
                        self.oldest_ms = decode_entry(frame.payload).accepted_ms
        segment = _Segment(number, end)
        self._segments.append(segment)
        if accepted is None:
            self.cut_bytes += max(0, size - end)
            # Also makes durable what a killed process had not synced.
            self._disk.truncate(name, min(size, end))
        elif end < accepted:
            self._damage(segment, end)


def _name(number: int) -> str:
    return f"{number:012d}.segment"
