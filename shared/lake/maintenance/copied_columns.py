"""Whether a column of an old row group is what our own writer would make, or as good. Pure."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from shared.lake.maintenance.column_chunks import meta_of
from shared.lake.maintenance.parquet_footer import Chunk, Element, Meta, Statistics, inner, number
from shared.lake.maintenance.thrift_compact import Struct

ZSTD = 6
FLOATS = {4: "<f", 5: "<d"}
"""Physical type → how a bound is encoded."""
BYTES = {0: 1, 1: 4, 2: 8, 4: 4, 5: 8}
"""Physical type → bytes of a value, where the type alone tells."""
BYTE_ARRAY = 6
SAME_WRITER = b"parquet-cpp-arrow"


def widths(elements: Sequence[Struct]) -> list[int]:
    """Bytes of a value of each column of a schema, 0 where they differ."""
    return [
        BYTES.get(number(each, Element.TYPE, -1), number(each, Element.TYPE_LENGTH))
        for each in elements
        if Element.NUM_CHILDREN not in each
    ]


def as_good_as_ours(column: Struct, rows: int, width: int, same_writer: bool) -> bool:
    """Whether the column's pages and statistics are what a rewrite would give, or as good.

    Args:
        column: of a row group.
        rows: that the row group has.
        width: bytes of a value, 0 for any number.
        same_writer: whether the file is of the library that writes here.

    Raises:
        ThriftError: it has no metadata.
    """
    if any(
        field in column
        for field in (Chunk.FILE_PATH, Chunk.CRYPTO_METADATA, Chunk.ENCRYPTED_COLUMN_METADATA)
    ):
        return False
    meta = meta_of(column)
    told = inner(meta, Meta.STATISTICS)
    if number(meta, Meta.CODEC, -1) != ZSTD or told is None or Statistics.NULL_COUNT not in told:
        return False
    if number(meta, Meta.NUM_VALUES) < rows:
        return False
    bounds = bounds_of(told)
    kind = number(meta, Meta.TYPE, -1)
    if number(told, Statistics.NULL_COUNT) == number(meta, Meta.NUM_VALUES):
        return bounds == (None, None)
    if None in bounds:  # our writer gives none for texts of kilobytes, others have other reasons
        return kind == BYTE_ARRAY and same_writer
    if any(
        field is not None and not field.value
        for field in map(told.get, (Statistics.IS_MAX_VALUE_EXACT, Statistics.IS_MIN_VALUE_EXACT))
    ):
        return False
    return all(
        bound is not None and _is_sound(kind, width, bound, greatest)
        for bound, greatest in zip(bounds, (False, True), strict=True)
    )


def bounds_of(told: Struct) -> tuple[bytes | None, bytes | None]:
    """Least and greatest value of statistics, where they are told."""
    least, greatest = told.get(Statistics.MIN_VALUE), told.get(Statistics.MAX_VALUE)
    return (
        least.value if least is not None and isinstance(least.value, bytes) else None,
        greatest.value if greatest is not None and isinstance(greatest.value, bytes) else None,
    )


def _is_sound(kind: int, width: int, bound: bytes, greatest: bool) -> bool:
    """Whether a bound is a value, and no NaN: the library ends the process at a short one.

    Of the two zeros Iceberg has the negative one first, so the least value is not the positive one
    and the greatest one not the negative one.
    """
    if width and len(bound) != width:
        return False
    if kind not in FLOATS:
        return True
    (value,) = struct.unpack(FLOATS[kind], bound)
    if value == 0:
        return (math.copysign(1, value) > 0) == greatest
    return not math.isnan(value)
