"""Consumed records as columns: what parsing reads instead of one object per record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from services.stream_writer.parsing.record import Record

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alike:
    """Records that carry headers of the same names in the same order.

    Attributes:
        rows: which of all records they are, rising.
        offset, timestamp, key, value: as in :class:`RecordColumns`.
        names: of their headers, each once, in the order of the first occurrence.
        header: gives the values of one of them, binary, null where the producer wrote null; of
            a name that occurs twice the last value.
    """

    rows: pa.Int64Array
    offset: pa.Int64Array
    timestamp: pa.Int64Array
    key: pa.LargeBinaryArray
    value: pa.LargeBinaryArray
    names: Names
    header: Callable[[str], pa.LargeBinaryArray]


class RecordColumns:
    """All records of some fetches, in order.

    Attributes:
        alike: the records by the names of their headers.
        partition, offset, timestamp: of each record; a timestamp is in milliseconds, -1 or null
            when there is none.
        key, value: binary, null where the producer wrote null.
    """

    def __init__(self, partition: pa.Int32Array, alike: Sequence[Alike]) -> None:
        self.partition = partition
        self.alike = tuple(alike)
        self._order = _order(self.alike)
        self.offset = self.each([of.offset for of in alike], pa.int64())
        self.timestamp = self.each([of.timestamp for of in alike], pa.int64())
        self.key = self.each([of.key for of in alike], pa.large_binary())
        self.value = self.each([of.value for of in alike], pa.large_binary())

    def __len__(self) -> int:
        return len(self.partition)

    def header(self, name: str) -> pa.LargeBinaryArray:
        """The value of one header of each record, null where it has none."""
        found = [
            of.header(name) if name in of.names else pa.nulls(len(of.rows), pa.large_binary())
            for of in self.alike
        ]
        return self.each(found, pa.large_binary())

    def each(self, columns: Sequence[pa.Array], type_: pa.DataType) -> pa.Array:
        """One column of all records, in order, from one column per group of ``alike``."""
        if not columns:
            return pa.array([], type_)
        if len(columns) == 1:
            return columns[0]
        return pa.concat_arrays(columns).take(self._order)


def record_columns(records: Sequence[Record]) -> RecordColumns:
    """Columns of records that a client made objects of."""
    groups: dict[Names, list[int]] = {}
    headers = [dict(record.headers) for record in records]
    for row, of in enumerate(headers):
        groups.setdefault(tuple(of), []).append(row)
    alike = [
        _alike(rows, [records[row] for row in rows], names, [headers[row] for row in rows])
        for names, rows in groups.items()
    ]
    return RecordColumns(pa.array([record.partition for record in records], pa.int32()), alike)


def _alike(
    rows: Sequence[int],
    records: Sequence[Record],
    names: Names,
    headers: Sequence[Mapping[str, bytes | None]],
) -> Alike:
    def header(name: str) -> pa.LargeBinaryArray:
        return pa.array([of[name] for of in headers], pa.large_binary())

    return Alike(
        pa.array(rows, pa.int64()),
        pa.array([record.offset for record in records], pa.int64()),
        pa.array([record.timestamp for record in records], pa.int64()),
        pa.array([record.key for record in records], pa.large_binary()),
        pa.array([record.value for record in records], pa.large_binary()),
        names,
        header,
    )


def _order(alike: Sequence[Alike]) -> pa.Int64Array | None:
    """Where each record stands when the groups are put one behind the other."""
    if len(alike) < 2:
        return None
    return pc.sort_indices(pa.concat_arrays([of.rows for of in alike]))
