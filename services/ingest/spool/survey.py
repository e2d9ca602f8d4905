"""What lies in the directory of a stream; reads only.

How a crash is told from damage: a segment's header says where the accepted entries of the segment
before it end, so a shorter one is damaged. Only the last segment may end in a torn frame, which was
never answered.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.ingest.spool.disk import Disk
from services.ingest.spool.frames import (
    SEGMENT_HEADER_BYTES,
    Cursor,
    Invalid,
    Position,
    SegmentHeader,
    decode_cursor,
    decode_entry,
    decode_segment_header,
    frames,
)

CURSOR = "cursor"
_SEGMENT = re.compile(r"(\d{12})\.segment")


@dataclass(slots=True)
class Segment:
    """One file of entries.

    Attributes:
        number: rising.
        length: where its accepted entries end.
        is_damaged: not all of them can be read.
    """

    number: int
    length: int
    is_damaged: bool = False

    @property
    def name(self) -> str:
        """Its file's."""
        return segment_name(self.number)

    @property
    def end(self) -> Position:
        """Where its accepted entries end."""
        return Position(self.number, self.length)


@dataclass(slots=True)
class Found:
    """A stream as it was left.

    Attributes:
        segments: those with accepted entries that the broker may lack, the oldest first.
        cursor: what the broker has.
        last_number: greater than or equal to every number that was given to a segment.
        entries: accepted ones that the broker may lack.
        oldest_ms: when the first of these was accepted.
        next_sequence: greater than every sequence in it.
        cut_bytes: torn off by a crash at the end.
        damaged: names of segments with accepted entries that cannot be read any more.
        needless: names of segments that were given up, or whose entries the broker has.
        cuts: segments whose end nobody states, and their sizes without what was torn off.
    """

    segments: list[Segment] = field(default_factory=list)
    cursor: Cursor = field(default_factory=lambda: Cursor(Position(0, 0), 0))
    last_number: int = 0
    entries: int = 0
    oldest_ms: int | None = None
    next_sequence: int = 0
    cut_bytes: int = 0
    damaged: list[str] = field(default_factory=list)
    needless: list[str] = field(default_factory=list)
    cuts: list[tuple[str, int]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of its segments."""
        return sum(segment.length for segment in self.segments)


def segment_name(number: int) -> str:
    """Name of a segment's file."""
    return f"{number:012d}.segment"


def survey(disk: Disk) -> Found:
    """Look at all of it.

    Raises:
        NewerFormat: it was written by a later version.
        OSError: it cannot be read.
    """
    names = set(disk.names())
    found = Found()
    with contextlib.suppress(Invalid):
        # A damaged cursor only means that everything is sent once more.
        if CURSOR in names:
            found.cursor = decode_cursor(disk.read(CURSOR, 0, 4096))
    position = found.cursor.position
    found.next_sequence = found.cursor.next_sequence
    numbers = sorted(int(name[1]) for each in names if (name := _SEGMENT.fullmatch(each)))
    kept_aside = [int(name[:12]) for name in names if name.endswith(".segment.damaged")]
    found.last_number = max([position.number, *numbers, *kept_aside])
    headers = {number: _header(disk, number) for number in numbers}
    needed = _needed(disk, numbers, headers)
    for number in numbers:
        if number in needed and number >= position.number:
            _scan(disk, found, number, needed[number])
        else:
            found.needless.append(segment_name(number))
    return found


def _header(disk: Disk, number: int) -> SegmentHeader | None:
    try:
        return decode_segment_header(disk.read(segment_name(number), 0, SEGMENT_HEADER_BYTES))
    except Invalid:
        return None


def _needed(
    disk: Disk, numbers: Sequence[int], headers: Mapping[int, SegmentHeader | None]
) -> dict[int, int | None]:
    """Segments with accepted entries and, where it is known, where these end.

    The others were given up after a failed write, or were delivered long ago.
    """
    left = list(numbers)
    while left and headers[left[-1]] is None and not _whole(disk, left[-1]):
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


def _whole(disk: Disk, number: int) -> bool:
    """Whether a frame stands behind a header that cannot be read."""
    name = segment_name(number)
    data = disk.read(name, SEGMENT_HEADER_BYTES, disk.size(name))
    return next(frames(data), None) is not None


def _scan(disk: Disk, found: Found, number: int, accepted: int | None) -> None:
    """Take a segment up: its entries up to ``accepted``, or up to the first torn one."""
    name = segment_name(number)
    size = disk.size(name)
    data = disk.read(name, SEGMENT_HEADER_BYTES, size)
    if accepted is not None:
        data = data[: max(0, accepted - SEGMENT_HEADER_BYTES)]
    position = found.cursor.position
    after = position.offset if position.number == number else 0
    end = SEGMENT_HEADER_BYTES
    for frame in frames(data):
        end = SEGMENT_HEADER_BYTES + frame.end
        found.next_sequence = max(found.next_sequence, frame.sequence + 1)
        if end > after:
            found.entries += 1
            if found.oldest_ms is None:
                with contextlib.suppress(Invalid):
                    found.oldest_ms = decode_entry(frame.payload).accepted_ms
    segment = Segment(number, end)
    found.segments.append(segment)
    if accepted is None:
        found.cut_bytes += max(0, size - end)
        found.cuts.append((name, min(size, end)))
    elif end < accepted:
        segment.length = end
        segment.is_damaged = True
        found.damaged.append(name)
