"""What the bytes of the spool mean. Pure.

A segment file is a header and frames behind each other; the cursor file is one header. All numbers
are big-endian. A frame that was torn off by a crash, or is all zeros, does not decode::

    segment   magic 8 · version 4 · number 8 · previous number 8 · previous length 8 · crc 4
    frame     length 4 · crc 4 · sequence 8 · payload
    payload   accepted at (unix ms) 8 · key size 4 · value size 4 · headers 2 · key · value ·
              each header: name size 2 · value size 4 · name · value
    cursor    magic 8 · version 4 · number 8 · offset 8 · next sequence 8 · crc 4
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

from shared.contracts.envelope import Headers
from shared.contracts.topics import MAX_RECORD_BYTES

VERSION = 1
SEGMENT_MAGIC = b"BRGSPOOL"
CURSOR_MAGIC = b"BRGSPCUR"
MAX_PAYLOAD_BYTES = 2 * MAX_RECORD_BYTES
"""No payload is larger: a length beyond it is damage."""

_SEGMENT = struct.Struct(">8sIQQQ")
_CURSOR = struct.Struct(">8sIQQQ")
_CRC = struct.Struct(">I")
_FRAME = struct.Struct(">IIQ")
_PAYLOAD = struct.Struct(">QIIH")
_HEADER = struct.Struct(">HI")

SEGMENT_HEADER_BYTES = _SEGMENT.size + _CRC.size
FRAME_HEADER_BYTES = _FRAME.size


class Invalid(Exception):
    """Raised for bytes that are not what they should be: torn or damaged."""


class NewerFormat(Exception):
    """Raised for files of a version that this code does not know: they must not be touched."""


class Entry(NamedTuple):
    """One accepted record; its topic is the stream's.

    Attributes:
        key, value, headers: as on the topic.
        accepted_ms: when it came to the spool, unix milliseconds.
    """

    key: bytes
    value: bytes
    headers: Headers
    accepted_ms: int


class Position(NamedTuple):
    """A place in a stream: segment number and byte offset in its file."""

    number: int
    offset: int


class SegmentHeader(NamedTuple):
    """The begin of a segment.

    Attributes:
        number: the segment's own.
        previous: where the accepted entries of the segment before it end; what stands there beyond
            it was never answered. ``Position(0, 0)`` when there is none.
    """

    number: int
    previous: Position


class Cursor(NamedTuple):
    """What the broker has.

    Attributes:
        position: everything before it was acknowledged.
        next_sequence: no entry has been given this sequence yet.
    """

    position: Position
    next_sequence: int


class Frame(NamedTuple):
    """A frame that was found in a segment.

    Attributes:
        sequence: of its entry, rising within a stream.
        payload: the encoded entry.
        end: offset behind it, relative to the searched bytes.
    """

    sequence: int
    payload: bytes
    end: int


def encode_segment_header(header: SegmentHeader) -> bytes:
    """Its bytes, :data:`SEGMENT_HEADER_BYTES` of them."""
    return _sealed(_SEGMENT.pack(SEGMENT_MAGIC, VERSION, header.number, *header.previous))


def decode_segment_header(data: bytes) -> SegmentHeader:
    """The header at the begin of ``data``.

    Raises:
        Invalid: torn or damaged.
        NewerFormat: of another version.
    """
    number, previous, length = _opened(_SEGMENT, SEGMENT_MAGIC, data)
    return SegmentHeader(number, Position(previous, length))


def encode_cursor(cursor: Cursor) -> bytes:
    """Its bytes."""
    return _sealed(_CURSOR.pack(CURSOR_MAGIC, VERSION, *cursor.position, cursor.next_sequence))


def decode_cursor(data: bytes) -> Cursor:
    """The cursor.

    Raises:
        Invalid: damaged.
        NewerFormat: of another version.
    """
    number, offset, sequence = _opened(_CURSOR, CURSOR_MAGIC, data)
    return Cursor(Position(number, offset), sequence)


def _sealed(data: bytes) -> bytes:
    return data + _CRC.pack(crc32(data))


def _opened(layout: struct.Struct, magic: bytes, data: bytes) -> tuple[int, int, int]:
    if len(data) < layout.size + _CRC.size:
        raise Invalid("shorter than its header")
    found, version, first, second, third = layout.unpack_from(data)
    if found != magic:
        raise Invalid("another kind of file")
    if (crc32(data[: layout.size]),) != _CRC.unpack_from(data, layout.size):
        raise Invalid("wrong checksum")
    if version != VERSION:
        raise NewerFormat(f"format {version}, known is {VERSION}")
    return first, second, third


def encode_entry(entry: Entry) -> bytes:
    """The payload of an entry."""
    parts = [
        _PAYLOAD.pack(entry.accepted_ms, len(entry.key), len(entry.value), len(entry.headers)),
        entry.key,
        entry.value,
    ]
    for name, value in entry.headers:
        encoded = name.encode()
        parts += (_HEADER.pack(len(encoded), len(value)), encoded, value)
    return b"".join(parts)


def decode_entry(payload: bytes) -> Entry:
    """The entry of a payload whose frame was whole.

    Raises:
        Invalid: the parts do not add up; only a fault in this code can do that.
    """
    try:
        accepted_ms, key_size, value_size, count = _PAYLOAD.unpack_from(payload)
        at = _PAYLOAD.size
        key, at = payload[at : at + key_size], at + key_size
        value, at = payload[at : at + value_size], at + value_size
        headers: Headers = []
        for _ in range(count):
            name_size, size = _HEADER.unpack_from(payload, at)
            at += _HEADER.size
            name, at = payload[at : at + name_size].decode(), at + name_size
            headers.append((name, payload[at : at + size]))
            at += size
    except (struct.error, UnicodeDecodeError) as error:
        raise Invalid(str(error)) from None
    if at != len(payload):
        raise Invalid("sizes do not add up")
    return Entry(key, value, headers, accepted_ms)


def encode_frame(sequence: int, payload: bytes) -> bytes:
    """The frame of a payload."""
    return _FRAME.pack(len(payload), _checksum(sequence, payload), sequence) + payload


def frames(data: bytes) -> Iterator[Frame]:
    """The whole frames at the begin of ``data``, up to the first that is not whole."""
    at = 0
    while len(data) - at >= FRAME_HEADER_BYTES:
        length, checksum, sequence = _FRAME.unpack_from(data, at)
        end = at + FRAME_HEADER_BYTES + length
        if length > MAX_PAYLOAD_BYTES or end > len(data):
            return
        payload = data[at + FRAME_HEADER_BYTES : end]
        if checksum != _checksum(sequence, payload):
            return
        yield Frame(sequence, payload, end)
        at = end


def frame_bytes(data: bytes) -> int | None:
    """Size of the frame that begins ``data``, if that much can be told; it may be damaged."""
    if len(data) < FRAME_HEADER_BYTES:
        return None
    length = int(_FRAME.unpack_from(data)[0])
    return FRAME_HEADER_BYTES + length if length <= MAX_PAYLOAD_BYTES else None


def _checksum(sequence: int, payload: bytes) -> int:
    # The sequence is part of it, so that a frame of zeros is none.
    return crc32(payload, crc32(b"%d,%d" % (len(payload), sequence)))
