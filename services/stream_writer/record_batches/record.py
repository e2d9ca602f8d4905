"""One record of message format 2, read byte by byte: slow, short, and what ``bulk`` must equal."""

from __future__ import annotations

from dataclasses import dataclass

Headers = tuple[tuple[str, bytes | None], ...]


class Malformed(ValueError):
    """Bytes that passed their checksum are no records: the producer or the broker is broken."""


@dataclass(frozen=True, slots=True)
class PlainRecord:
    """One record, what is needed of it.

    Attributes:
        timestamp: milliseconds since the epoch, -1 when there is none.
    """

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Body:
    """One record as it stands in its batch: offset and time relative to the batch's."""

    timestamp_delta: int
    offset_delta: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A zigzag varint of up to 64 bits, and the position after it.

    Raises:
        IndexError: the data ends inside of it.
        Malformed: it is longer than ten bytes.
    """
    number = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at
    raise Malformed("a varint of more than ten bytes")


def read(data: bytes, at: int) -> tuple[Body, int]:
    """The record at a position, and the position after it.

    Header names that are not UTF-8 are read with replacement characters.

    Raises:
        Malformed: no record stands there.
    """
    try:
        size, at = varint(data, at)
        end = at + size
        timestamp_delta, at = varint(data, at + 1)  # after the attributes, of which none is used
        offset_delta, at = varint(data, at)
        key, at = _field(data, at)
        value, at = _field(data, at)
        count, at = varint(data, at)
        headers = []
        for _ in range(count):
            name, at = _field(data, at)
            content, at = _field(data, at)
            headers.append(((name or b"").decode("utf-8", "replace"), content))
    except IndexError:
        raise Malformed("a record goes beyond the end of its batch") from None
    if at != end or count < 0:
        raise Malformed("a record does not end where it says")
    return Body(timestamp_delta, offset_delta, key, value, tuple(headers)), end


def starts_of(data: bytes, at: int, count: int) -> list[int]:
    """Where the ``count`` records from a position on begin, and where the last one ends.

    Only lengths are read: what is in between, and whether it is a record, is not looked at.

    Raises:
        Malformed: the data ends before they do.
    """
    starts = [at]
    note = starts.append
    try:
        for _ in range(count):
            # As ``varint``, for the lengths of one and two bytes that nearly all records have.
            size = data[at]
            if size < 0x80:
                at += 1 + (size >> 1)
            elif (more := data[at + 1]) < 0x80:
                at += 2 + ((size & 0x7F | more << 7) >> 1)
            else:
                size, at = varint(data, at)
                at += max(size, 0)
            note(at)
    except IndexError:
        at = len(data) + 1
    if at > len(data):
        raise Malformed("a record goes beyond the end of its batch")
    return starts


def _field(data: bytes, at: int) -> tuple[bytes | None, int]:
    size, at = varint(data, at)
    if size < 0:
        return None, at
    if at + size > len(data):
        raise IndexError
    return data[at : at + size], at + size
