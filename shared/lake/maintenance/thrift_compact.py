"""Thrift's compact protocol, as far as footers and page headers of Parquet need it. Pure.

A struct is decoded without knowing its definition and encoded to the very same bytes, so fields
that came into the format after this was written are kept. See "Thrift Compact protocol encoding" of
Apache Thrift.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

DEEPEST = 32
"""Structs and lists within one another; footers have six."""


class Kind(IntEnum):
    """What a value is, as the protocol numbers it."""

    TRUE = 1
    FALSE = 2
    BYTE = 3
    I16 = 4
    I32 = 5
    I64 = 6
    DOUBLE = 7
    BINARY = 8
    LIST = 9
    SET = 10
    MAP = 11
    STRUCT = 12


@dataclass(slots=True)
class Field:
    """A field of a struct.

    Attributes:
        kind: of the value; that of a boolean is its value.
        value: bool, int, float, bytes, :class:`Items`, :class:`Pairs` or :data:`Struct`.
    """

    kind: int
    value: Any


@dataclass(slots=True)
class Items:
    """A list or a set: the kind of its values, which booleans have in common, and these."""

    kind: int
    values: list[Any]


@dataclass(slots=True)
class Pairs:
    """A map: kinds of keys and values, 0 where it is empty, and its entries in order."""

    key: int
    value: int
    entries: list[tuple[Any, Any]]


Struct = dict[int, Field]
"""Fields by number, in the order in which they are encoded."""


class ThriftError(ValueError):
    """Raised when bytes are no struct of the protocol."""


def decode(data: bytes | memoryview, at: int = 0) -> tuple[Struct, int]:
    """The struct that begins at a place, and the place behind it.

    Raises:
        ThriftError: there is none, or not all of it.
    """
    decoder = _Decoder(data, at)
    try:
        found = decoder.struct(0)
    except (IndexError, struct.error) as error:
        raise ThriftError(f"a struct at byte {at} goes beyond the {len(data)} there are") from error
    return found, decoder.at


def encode(fields: Struct) -> bytes:
    """The bytes of a struct.

    Raises:
        ThriftError: a kind that the protocol does not have.
    """
    out = bytearray()
    _put_struct(out, fields)
    return bytes(out)


class _Decoder:
    def __init__(self, data: bytes | memoryview, at: int) -> None:
        self._data, self.at = data, at

    def struct(self, depth: int) -> Struct:
        data, found, number = self._data, {}, 0
        while head := data[self.at]:
            self.at += 1
            step, kind = head >> 4, head & 15
            number = number + step if step else self._zigzag()
            if number in found:
                raise ThriftError(f"field {number} comes twice, before byte {self.at}")
            value = kind == Kind.TRUE if kind <= Kind.FALSE else self._value(kind, depth + 1)
            found[number] = Field(kind, value)
        self.at += 1
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if Kind.I16 <= kind <= Kind.I64:
            return self._zigzag()
        if kind == Kind.BINARY:
            return self._bytes(self._varint())
        if depth > DEEPEST:
            raise ThriftError(f"more than {DEEPEST} values lie in one another at byte {self.at}")
        if kind == Kind.STRUCT:
            return self.struct(depth)
        if kind in (Kind.LIST, Kind.SET):
            return self._items(depth)
        if kind == Kind.MAP:
            return self._pairs(depth)
        if kind in (Kind.TRUE, Kind.FALSE):  # of a list, where a boolean is a byte
            return self._bytes(1) == b"\x01"
        if kind == Kind.BYTE:
            return int.from_bytes(self._bytes(1), signed=True)
        if kind == Kind.DOUBLE:
            return struct.unpack("<d", self._bytes(8))[0]
        raise ThriftError(f"kind {kind} at byte {self.at} is none of the protocol")

    def _items(self, depth: int) -> Items:
        head = self._data[self.at]
        self.at += 1
        count, kind = head >> 4, head & 15
        if count == 15:
            count = self._varint()
        self._require(count)
        return Items(kind, [self._value(kind, depth + 1) for _ in range(count)])

    def _pairs(self, depth: int) -> Pairs:
        count = self._varint()
        if not count:
            return Pairs(0, 0, [])
        self._require(count)
        kinds = self._data[self.at]
        self.at += 1
        key, value = kinds >> 4, kinds & 15
        entries = [
            (self._value(key, depth + 1), self._value(value, depth + 1)) for _ in range(count)
        ]
        return Pairs(key, value, entries)

    def _varint(self) -> int:
        data, found, shift = self._data, 0, 0
        while True:
            byte = data[self.at]
            self.at += 1
            found |= (byte & 127) << shift
            if byte < 128:
                return found
            shift += 7
            if shift > 63:
                raise ThriftError(f"a number before byte {self.at} has more than 64 bits")

    def _zigzag(self) -> int:
        found = self._varint()
        return (found >> 1) ^ -(found & 1)

    def _bytes(self, count: int) -> bytes:
        self._require(count)
        self.at += count
        return bytes(self._data[self.at - count : self.at])

    def _require(self, count: int) -> None:
        """So many values or bytes need so many bytes: a torn length is no reason to wait."""
        if count > len(self._data) - self.at:
            raise ThriftError(f"{count} values at byte {self.at} of {len(self._data)}")


def _put_struct(out: bytearray, fields: Struct) -> None:
    last = 0
    for number, field in fields.items():
        kind = field.kind
        if kind <= Kind.FALSE:
            kind = Kind.TRUE if field.value else Kind.FALSE
        if 0 < number - last < 16:
            out.append((number - last) << 4 | kind)
        else:
            out.append(kind)
            _put_zigzag(out, number)
        last = number
        if kind > Kind.FALSE:
            _put(out, kind, field.value)
    out.append(0)


def _put(out: bytearray, kind: int, value: Any) -> None:
    if Kind.I16 <= kind <= Kind.I64:
        _put_zigzag(out, value)
    elif kind == Kind.BINARY:
        _put_varint(out, len(value))
        out += value
    elif kind == Kind.STRUCT:
        _put_struct(out, value)
    elif kind in (Kind.LIST, Kind.SET):
        count = len(value.values)
        out.append(min(count, 15) << 4 | value.kind)
        if count >= 15:
            _put_varint(out, count)
        for each in value.values:
            _put(out, value.kind, each)
    elif kind == Kind.MAP:
        _put_varint(out, len(value.entries))
        if value.entries:
            out.append(value.key << 4 | value.value)
        for key, held in value.entries:
            _put(out, value.key, key)
            _put(out, value.value, held)
    elif kind in (Kind.TRUE, Kind.FALSE):
        out.append(Kind.TRUE if value else Kind.FALSE)
    elif kind == Kind.BYTE:
        out += value.to_bytes(1, signed=True)
    elif kind == Kind.DOUBLE:
        out += struct.pack("<d", value)
    else:
        raise ThriftError(f"kind {kind} is none of the protocol")


def _put_varint(out: bytearray, value: int) -> None:
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def _put_zigzag(out: bytearray, value: int) -> None:
    _put_varint(out, (value << 1) ^ (value >> 63))
