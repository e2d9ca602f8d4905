"""The primitive types of the Kafka protocol, in their non-flexible encodings."""

import struct
from collections.abc import Callable, Iterable
from typing import TypeVar

from .errors import MalformedRequest

T = TypeVar("T")

_INT8 = struct.Struct(">b")
_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_INT64 = struct.Struct(">q")
_KEPT_APART_BYTES = 4096


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
        """A signed byte."""
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
        return _required(self.nullable_string())

    def nullable_string(self) -> str | None:
        """A string with a 16-bit length; -1 is null."""
        length = self.int16()
        if length < 0:
            return None
        try:
            return str(self._take(length), "utf-8")
        except UnicodeDecodeError as error:
            raise MalformedRequest("a string is not UTF-8") from error

    def data(self) -> memoryview:
        """Bytes that may not be null; a view into the request."""
        return _required(self.nullable_data())

    def nullable_data(self) -> memoryview | None:
        """Bytes with a 32-bit length; -1 is null; a view into the request."""
        length = self.int32()
        return None if length < 0 else self._take(length)

    def array(self, item: Callable[["Reader"], T]) -> list[T] | None:
        """An array with a 32-bit count; -1 is null."""
        count = self.int32()
        if count < 0:
            return None
        if count > self.remaining:  # every item takes a byte at least: bounds what is allocated
            raise MalformedRequest(f"an array of {count} items in {self.remaining} bytes")
        return [item(self) for _ in range(count)]

    def _take(self, length: int) -> memoryview:
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
        """A signed byte."""
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
        self.int8(1 if value else 0)

    def string(self, value: str | None) -> None:
        """A string with a 16-bit length; None is null."""
        encoded = None if value is None else value.encode()[:0x7FFF]
        self.int16(-1 if encoded is None else len(encoded))
        self._tail += encoded or b""

    def data(self, value: bytes | bytearray | memoryview | None) -> None:
        """Bytes with a 32-bit length; None is null."""
        self.int32(-1 if value is None else len(value))
        if value is not None and len(value) >= _KEPT_APART_BYTES:
            self._chunks += (self._tail, value)
            self._tail = bytearray()
        else:
            self._tail += value or b""

    def array(self, items: Iterable[T] | None, item: Callable[["Writer", T], None]) -> None:
        """An array: the count, then each item as ``item`` writes it; None is null."""
        values = None if items is None else list(items)
        self.int32(-1 if values is None else len(values))
        for value in values or ():
            item(self, value)

    def frame(self, correlation_id: int) -> list[bytes | bytearray | memoryview]:
        """The whole answer with its size and correlation id, ready for ``writelines``."""
        chunks = [*self._chunks, self._tail]
        size = sum(map(len, chunks)) + 4
        return [_INT32.pack(size) + _INT32.pack(correlation_id), *chunks]


def _required(value: T | None) -> T:
    if value is None:
        raise MalformedRequest("null where a value is required")
    return value
