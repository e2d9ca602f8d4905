"""The primitive types of the Kafka protocol, read and written by hand.

Only the non-flexible encodings are offered (and the two compact types that ApiVersions 3 needs).
Handlers read fields in the order of the protocol guide, so that a handler and the guide can be
laid side by side. ``kio`` decodes about as fast, but models each version as a tree of classes of
its own, and the handlers would have to know all of them.
"""

import struct
from collections.abc import Callable, Iterable
from typing import TypeVar

from .errors import MalformedRequest

T = TypeVar("T")

_INT8 = struct.Struct(">b")
_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_INT64 = struct.Struct(">q")


class Reader:
    """Reads the fields of one request; raises MalformedRequest when the bytes do not suffice."""

    __slots__ = ("_buffer", "_position")

    def __init__(self, buffer: bytes | memoryview) -> None:
        self._buffer = memoryview(buffer)
        self._position = 0

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return len(self._buffer) - self._position

    def int8(self) -> int:
        """One signed byte."""
        return self._number(_INT8)

    def int16(self) -> int:
        """A signed 16-bit number."""
        return self._number(_INT16)

    def int32(self) -> int:
        """A signed 32-bit number."""
        return self._number(_INT32)

    def int64(self) -> int:
        """A signed 64-bit number."""
        return self._number(_INT64)

    def boolean(self) -> bool:
        """One byte, true unless 0."""
        return self._number(_INT8) != 0

    def string(self) -> str:
        """A string that may not be null."""
        value = self.nullable_string()
        if value is None:
            raise MalformedRequest("null where a string is required")
        return value

    def nullable_string(self) -> str | None:
        """A string with a 16-bit length; -1 is null."""
        length = self.int16()
        if length < 0:
            return None
        try:
            return str(self.take(length), "utf-8")
        except UnicodeDecodeError as error:
            raise MalformedRequest("a string is not UTF-8") from error

    def data(self) -> memoryview:
        """Bytes that may not be null; a view into the request."""
        value = self.nullable_data()
        if value is None:
            raise MalformedRequest("null where bytes are required")
        return value

    def nullable_data(self) -> memoryview | None:
        """Bytes with a 32-bit length; -1 is null; a view into the request."""
        length = self.int32()
        return None if length < 0 else self.take(length)

    def array(self, item: Callable[[], T]) -> list[T]:
        """An array; null reads as empty."""
        return self.nullable_array(item) or []

    def nullable_array(self, item: Callable[[], T]) -> list[T] | None:
        """An array with a 32-bit count; -1 is null."""
        count = self.int32()
        if count < 0:
            return None
        if count > self.remaining:  # every item takes a byte at least: bounds what is allocated
            raise MalformedRequest(f"an array of {count} items in {self.remaining} bytes")
        return [item() for _ in range(count)]

    def compact_string(self) -> str:
        """A string of a flexible version: unsigned varint of length + 1."""
        length = self.unsigned_varint() - 1
        return str(self.take(max(length, 0)), "utf-8", "replace")

    def unsigned_varint(self) -> int:
        """An unsigned varint of up to five bytes."""
        value = 0
        for shift in range(0, 35, 7):
            byte = self.int8() & 0xFF
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise MalformedRequest("a varint longer than five bytes")

    def skip_tagged_fields(self) -> None:
        """The tagged fields at the end of a flexible structure."""
        for _ in range(min(self.unsigned_varint(), 64)):
            self.unsigned_varint()
            self.take(self.unsigned_varint())

    def take(self, length: int) -> memoryview:
        """The next ``length`` bytes as a view."""
        start = self._position
        end = start + length
        if end > len(self._buffer):
            raise MalformedRequest(f"{length} bytes wanted, {self.remaining} left")
        self._position = end
        return self._buffer[start:end]

    def _number(self, layout: struct.Struct) -> int:
        try:
            (value,) = layout.unpack_from(self._buffer, self._position)
        except struct.error as error:
            raise MalformedRequest("the request ends inside a number") from error
        self._position += layout.size
        return int(value)


class Writer:
    """Collects the fields of one answer; large byte strings are kept apart, never copied."""

    __slots__ = ("_chunks", "_tail")

    def __init__(self) -> None:
        self._chunks: list[bytes | bytearray | memoryview] = []
        self._tail = bytearray()

    def int8(self, value: int) -> None:
        """One signed byte."""
        self._tail += _INT8.pack(value)

    def int16(self, value: int) -> None:
        """A signed 16-bit number."""
        self._tail += _INT16.pack(value)

    def int32(self, value: int) -> None:
        """A signed 32-bit number."""
        self._tail += _INT32.pack(value)

    def int64(self, value: int) -> None:
        """A signed 64-bit number."""
        self._tail += _INT64.pack(value)

    def boolean(self, value: bool) -> None:
        """One byte."""
        self._tail.append(1 if value else 0)

    def string(self, value: str | None) -> None:
        """A string with a 16-bit length; None is null."""
        if value is None:
            self._tail += b"\xff\xff"
            return
        encoded = value.encode()[:0x7FFF]
        self._tail += _INT16.pack(len(encoded))
        self._tail += encoded

    def data(self, value: bytes | bytearray | memoryview | None) -> None:
        """Bytes with a 32-bit length; None is null."""
        if value is None:
            self._tail += b"\xff\xff\xff\xff"
            return
        self._tail += _INT32.pack(len(value))
        if len(value) < 4096:
            self._tail += value
        else:
            self._chunks += (self._tail, value)
            self._tail = bytearray()

    def array(self, items: Iterable[T], item: Callable[[T], None]) -> None:
        """An array: the count, then each item as ``item`` writes it."""
        values = list(items)
        self._tail += _INT32.pack(len(values))
        for value in values:
            item(value)

    def unsigned_varint(self, value: int) -> None:
        """An unsigned varint."""
        while value > 0x7F:
            self._tail.append(value & 0x7F | 0x80)
            value >>= 7
        self._tail.append(value)

    def throttle_time(self, present: bool) -> None:
        """``throttle_time_ms``, where the version has it; this broker never throttles."""
        if present:
            self._tail += b"\0\0\0\0"

    def frame(self, correlation_id: int) -> list[bytes | bytearray | memoryview]:
        """The whole answer with its size and correlation id, ready for ``writelines``."""
        chunks = [*self._chunks, self._tail]
        size = sum(map(len, chunks)) + 4
        return [_INT32.pack(size) + _INT32.pack(correlation_id), *chunks]
