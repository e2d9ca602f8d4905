"""Which row groups of a sorted table can be copied between rows that are merged.

A row group can when it is sorted in itself, and no other file or row group has rows in its range of
the first column of the order: then everything else comes before it or behind it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.conversions import from_bytes
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile
from pyiceberg.types import (
    BinaryType,
    DateType,
    IntegerType,
    LongType,
    NestedField,
    PrimitiveType,
    StringType,
    TimestampType,
    TimestamptzType,
)

from shared.lake.maintenance.rewriting_pieces import Copied, Part

CHECKED_ROWS = 2**16
"""Of a row group that may be sorted, looked at together."""

_SAME_BOUNDS = (
    IntegerType,
    LongType,
    DateType,
    TimestampType,
    TimestamptzType,
    StringType,
    BinaryType,
)
"""Types whose bounds are the same bytes in Parquet and in manifests, and that have one order."""

Place = tuple[int, Any]
"""Where a value stands: nulls, and what nobody knows, behind or before everything."""

_FIRST: Place = (-1, None)
_LAST: Place = (1, None)


def apart(
    io: FileIO,
    files: Sequence[DataFile],
    pieces: Sequence[Sequence[Copied | Part]],
    schema: pa.Schema,
    by: Sequence[NestedField],
) -> list[Copied | Part]:
    """Pieces by the first column of the order; what is still a copy lies apart from the rest.

    Args:
        io: of the table.
        files: old ones.
        pieces: of each of them.
        schema: of every row group that may be copied.
        by: the columns of the order.

    Raises:
        OSError: the object store does not answer, or lacks a file.
    """
    first = by[0]
    kind = first.field_type
    if not isinstance(kind, _SAME_BOUNDS):
        return [_part(piece) for own in pieces for piece in own]
    column = schema.get_field_index(first.name)
    ranges: list[tuple[Place, Place, Copied | Part]] = []
    for file, own in zip(files, pieces, strict=True):
        of_file = _range(
            kind,
            (file.lower_bounds or {}).get(first.field_id),
            (file.upper_bounds or {}).get(first.field_id),
            (file.null_value_counts or {}).get(first.field_id),
        )
        for piece in own:
            groups = [piece.group] if isinstance(piece, Copied) else piece.groups
            known = [of_file]
            if groups is not None:
                known = [_range(kind, *group.bounds(column)) for group in groups]
            lower, upper = min(each[0] for each in known), max(each[1] for each in known)
            ranges.append((lower, upper, piece))
    ranges.sort(key=lambda each: each[:2])
    found: list[Copied | Part] = []
    highest: Place | None = None
    names = [field.name for field in by]
    for at, (lower, upper, piece) in enumerate(ranges):
        mixed = highest is not None and lower <= highest
        mixed = mixed or (at + 1 < len(ranges) and ranges[at + 1][0] <= upper)
        if not mixed and isinstance(piece, Copied):
            mixed = not _is_sorted(io, files[piece.file], piece.group.number, names)
        found.append(_part(piece) if mixed else piece)
        highest = upper if highest is None else max(highest, upper)
    return found


def _part(piece: Copied | Part) -> Part:
    if isinstance(piece, Part):
        return piece
    return Part(piece.file, piece.group.first, (piece.group,))


def _range(
    kind: PrimitiveType, lower: bytes | None, upper: bytes | None, nulls: int | None
) -> tuple[Place, Place]:
    """Between which places rows lie, as far as it is told; nulls are greatest."""
    least, greatest = _value(kind, lower), _value(kind, upper)
    return (
        _FIRST if least is None else (0, least),
        _LAST if greatest is None or nulls != 0 else (0, greatest),
    )


def _value(kind: PrimitiveType, bound: bytes | None) -> Any:
    """What a bound says; ``None`` for one that is none, as some writers give.

    Texts stay bytes, whose order is the same: what was cut may end within a character.
    """
    if bound is None or isinstance(kind, StringType):
        return bound
    try:
        return from_bytes(kind, bound)
    except struct.error:
        return None


def _is_sorted(io: FileIO, file: DataFile, group: int, names: Sequence[str]) -> bool:
    """Whether the rows of a row group are in order: another writer's need not be."""
    order = [(name, "ascending") for name in names]
    last: pa.Table | None = None
    with io.new_input(file.file_path).open(seekable=True) as stream:
        opened = pq.ParquetFile(stream)
        for batch in opened.iter_batches(
            CHECKED_ROWS, row_groups=[group], columns=list(names), use_threads=False
        ):
            rows = pa.Table.from_batches([batch])
            if last is not None:
                rows = pa.concat_tables([last, rows])
            places = pc.sort_indices(rows, order)  # stable
            if not places.equals(pa.arange(0, len(rows)).cast(places.type)):
                return False
            last = rows.slice(len(rows) - 1)
    return True
