"""All records of some fetches to columns at once, as far as they are laid out alike.

Records of one writer carry headers of the same names in the same order. So the first record is
read strictly, and its names are what is expected of the others; those that are not so wait for the
next turn. After some turns, or where nothing fits, what is left is read one by one: right for
every record, and a producer that names its headers ever differently costs what it must.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from services.stream_writer.record_batches.cursor import Cursor, Unlike
from services.stream_writer.record_batches.record import Malformed, PlainRecord, read, starts_of
from services.stream_writer.record_batches.record_columns import (
    Alike,
    RecordColumns,
    record_columns,
)
from services.stream_writer.record_batches.record_set import RecordSet

MAX_TURNS = 12
FEW = 50
"""Records that are read one by one in less time than Arrow's calls take."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """Records by where they stand in the joined bytes.

    Attributes:
        row: which of all records each is.
        at, end: where each begins and ends.
        base_offset, base_timestamp: of its batch.
        append_time: of its batch, null where the record's own time counts.
    """

    data: bytes
    row: pa.Int64Array
    at: pa.Int64Array
    end: pa.Int64Array
    base_offset: pa.Int64Array
    base_timestamp: pa.Int64Array
    append_time: pa.Int64Array

    def only(self, fitting: pa.BooleanArray) -> _Placed:
        return _Placed(
            self.data,
            self.row.filter(fitting),
            self.at.filter(fitting),
            self.end.filter(fitting),
            self.base_offset.filter(fitting),
            self.base_timestamp.filter(fitting),
            self.append_time.filter(fitting),
        )


def decode(sets: Sequence[RecordSet]) -> RecordColumns:
    """The columns of all records of some fetches, in order.

    Raises:
        Malformed: bytes that passed their checksum are no records.
    """
    partition = pa.concat_arrays(
        [pa.array([], pa.int32())]
        + [pa.repeat(pa.scalar(each.partition, pa.int32()), len(each)) for each in sets]
    )
    alike: list[Alike] = []
    left = chosen = _placed(sets)
    for _ in range(MAX_TURNS if len(left.row) >= FEW else 0):
        if not len(chosen.row):
            break
        try:
            alike.append(_alike(chosen))
        except Unlike as unlike:
            chosen = chosen.only(unlike.fitting)
            continue
        left = chosen = left.only(pc.invert(pc.is_in(left.row, chosen.row)))
    alike += _one_by_one(left)
    return RecordColumns(partition, alike)


def _placed(sets: Sequence[RecordSet]) -> _Placed:
    data = sets[0].data if len(sets) == 1 else b"".join(each.data for each in sets)
    starts: list[int] = []
    ends: list[int] = []
    offsets: list[int] = []
    timestamps: list[int] = []
    append_times: list[int | None] = []
    shift = 0
    for each in sets:
        for section in each.sections:
            at = starts_of(data, shift + section.begin, section.count)
            if at[-1] != shift + section.end:
                raise Malformed("records do not end where their batch does")
            starts += at[section.skipped : -1]
            ends += at[section.skipped + 1 :]
            offsets += [section.base_offset] * section.held
            timestamps += [section.base_timestamp] * section.held
            append_times += [section.append_time] * section.held
        shift += len(each.data)
    return _Placed(
        data,
        pa.array(range(len(starts)), pa.int64()),
        pa.array(starts, pa.int64()),
        pa.array(ends, pa.int64()),
        pa.array(offsets, pa.int64()),
        pa.array(timestamps, pa.int64()),
        pa.array(append_times, pa.int64()),
    )


def _alike(placed: _Placed) -> Alike:
    """The columns of records that are all laid out as the first of them.

    Raises:
        Unlike: they are not.
    """
    names = [name for name, _ in read(placed.data, placed.at[0].as_py())[0].headers]
    cursor = Cursor(placed.data, placed.at, placed.end)
    cursor.begin()
    timestamp = pc.add(placed.base_timestamp, cursor.varint())
    offset = pc.add(placed.base_offset, cursor.varint())
    key, value = cursor.field(), cursor.field()
    cursor.count(len(names))
    spans = {}
    for name in names:
        text = name.encode()
        cursor.constant(_varint(len(text)) + text)
        spans[name] = cursor.field()
    cursor.finish()
    return Alike(
        placed.row,
        offset,
        pc.coalesce(placed.append_time, timestamp),
        cursor.values(key),
        cursor.values(value),
        tuple(spans),
        lambda name: cursor.values(spans[name]),
    )


def _varint(number: int) -> bytes:
    """As ``number``, not negative, is written in a record."""
    rest, written = number << 1, bytearray()
    while rest >= 0x80:
        written.append(rest & 0x7F | 0x80)
        rest >>= 7
    written.append(rest)
    return bytes(written)


def _one_by_one(placed: _Placed) -> list[Alike]:
    columns = (placed.at, placed.base_offset, placed.base_timestamp, placed.append_time)
    records = []
    for at, base_offset, base_timestamp, append_time in zip(
        *(column.to_pylist() for column in columns), strict=True
    ):
        body = read(placed.data, at)[0]
        timestamp = base_timestamp + body.timestamp_delta if append_time is None else append_time
        offset = base_offset + body.offset_delta
        records.append(PlainRecord(0, offset, timestamp, body.key, body.value, body.headers))
    groups = record_columns(records).alike
    return [replace(group, rows=placed.row.take(group.rows)) for group in groups]
