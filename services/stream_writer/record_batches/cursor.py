"""Reading many records in step: a position in each of them, moved on together, in Arrow.

Where the records turn out not to be laid out alike, the cursor is of no use any more: its user
starts again with those that are as expected. Nothing is believed before ``finish``: positions may
be anything until then, but no byte outside of the data is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc


def _number(value: int) -> pa.Int64Scalar:
    """Arrow's calls take twice as long with a number of Python's."""
    return pa.scalar(value, pa.int64())


_MINUS_ONE, _ZERO, _ONE, _TWO = map(_number, (-1, 0, 1, 2))
_CONTINUED = pa.scalar(0x80, pa.uint8())
_SEVEN_BITS = pa.scalar(0x7F, pa.uint64())
_UNSIGNED_ONE = pa.scalar(1, pa.uint64())
_NOTHING = pa.scalar(0, pa.uint64())
_OF_ONE_BYTE = pa.array([(byte >> 1) ^ -(byte & 1) for byte in range(0x80)], pa.int64())
"""The numbers that varints of one byte stand for."""


class Unlike(Exception):
    """The records are not laid out alike.

    Attributes:
        fitting: which of them are as expected so far.
    """

    def __init__(self, fitting: pa.BooleanArray) -> None:
        super().__init__("records of more than one layout")
        self.fitting = fitting


@dataclass(frozen=True, slots=True)
class Span:
    """One field of every record.

    Attributes:
        begin, end: from where to where; nothing where it is null.
        null: where it is null; ``None`` when it is nowhere.
    """

    begin: pa.Int64Array
    end: pa.Int64Array
    null: pa.BooleanArray | None = None


class Cursor:
    """Positions in records that follow each other in some bytes.

    Args:
        data: the bytes.
        at: where each record begins, rising; there is at least one.
        end: where it ends, not behind the next one's begin or the end of the bytes.

    Every step raises :class:`Unlike` where it does not fit all records.
    """

    def __init__(self, data: bytes, at: pa.Int64Array, end: pa.Int64Array) -> None:
        self._buffer = pa.py_buffer(data)
        self._bytes = pa.Array.from_buffers(pa.uint8(), len(data), [None, self._buffer])
        self._at = at
        self._end = end
        self._constants: list[tuple[Span, bytes]] = []
        rows = len(at)
        # 0, rows, 1, rows + 1, 2 … : one of the first half, one of the second.
        count = pc.cumulative_sum(pa.repeat(_ONE, 2 * rows))
        even = pc.equal(pc.bit_wise_and(count, _ONE), _ONE)
        half = pc.shift_right(count, _ONE)
        self._turns = pc.if_else(even, half, pc.add(half, _number(rows - 1)))
        self._even = pc.cumulative_sum(pa.repeat(_TWO, rows), start=-2)

    def begin(self) -> None:
        """Read the length of each record, which leads to its end, and pass by its attributes."""
        size = self.varint()
        self._expect_equal(pc.add(self._at, size), self._end)
        self._at = pc.add(self._at, _ONE)

    def varint(self) -> pa.Int64Array:
        """The zigzag varint that stands here."""
        last = self._at
        byte = self._take(last)
        if pc.max(byte).as_py() < 0x80:
            self._at = pc.add(last, _ONE)
            return _OF_ONE_BYTE.take(byte)
        number = pc.bit_wise_and(byte.cast(pa.uint64()), _SEVEN_BITS)
        more = pc.greater_equal(byte, _CONTINUED)
        for shift in range(7, 70, 7):
            # Where a number has ended, its last byte is looked at again and adds nothing.
            last = pc.add(last, more.cast(pa.int64()))
            byte = self._take(last)
            bits = pc.bit_wise_and(byte.cast(pa.uint64()), _SEVEN_BITS)
            part = pc.shift_left(bits, pa.scalar(shift, pa.uint64()))
            number = pc.bit_wise_or(number, pc.if_else(more, part, _NOTHING))
            more = pc.and_(more, pc.greater_equal(byte, _CONTINUED))
            if not pc.any(more).as_py():
                break
        else:
            raise Unlike(pc.invert(more))
        self._at = pc.add(last, _ONE)
        sign = pc.negate(pc.bit_wise_and(number, _UNSIGNED_ONE).view(pa.int64()))
        return pc.bit_wise_xor(pc.shift_right(number, _UNSIGNED_ONE).view(pa.int64()), sign)

    def field(self) -> Span:
        """A length and as many bytes; a length of -1 is null."""
        size = self.varint()
        begin = self._at
        lowest = pc.min(size).as_py()
        if lowest < -1:
            raise Unlike(pc.greater_equal(size, _MINUS_ONE))
        null = pc.less(size, _ZERO) if lowest < 0 else None
        self._at = pc.add(begin, size if null is None else pc.max_element_wise(size, _ZERO))
        return Span(begin, self._at, null)

    def constant(self, expected: bytes) -> None:
        """Bytes that are the same in every record; looked at when all is read."""
        begin = self._at
        self._at = pc.add(begin, _number(len(expected)))
        self._constants.append((Span(begin, self._at), expected))

    def count(self, expected: int) -> None:
        """A number that is the same in every record."""
        self._expect_equal(self.varint(), pa.repeat(_number(expected), len(self._at)))

    def finish(self) -> None:
        """Every record ends here: from now on the spans are certain to lie within their records."""
        self._expect_equal(self._at, self._end)
        for span, expected in self._constants:
            wanted = pa.repeat(pa.scalar(expected, pa.large_binary()), len(self._at))
            self._expect_equal(self.values(span), wanted)

    def values(self, span: Span) -> pa.LargeBinaryArray:
        """The bytes of a field of every record."""
        # One array of the fields and of what lies between them; then every other element.
        bounds = pa.concat_arrays([span.begin, span.end]).take(self._turns)
        buffers = [None, bounds.buffers()[1], self._buffer]
        whole = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(bounds) - 1, buffers)
        values = whole.take(self._even)
        if span.null is None:
            return values
        return pc.if_else(span.null, pa.scalar(None, pa.large_binary()), values)

    def _take(self, at: pa.Int64Array) -> pa.UInt8Array:
        try:
            return self._bytes.take(at)
        except IndexError:
            inside = pc.and_(pc.greater_equal(at, _ZERO), pc.less(at, _number(len(self._bytes))))
            raise Unlike(inside) from None

    def _expect_equal(self, found: pa.Array, wanted: pa.Array) -> None:
        if not found.equals(wanted):
            raise Unlike(pc.equal(found, wanted))
