"""Where the pages of columns lie, and what their row group is when they lie elsewhere. Pure.

Page indexes name places of pages and Bloom filters lie elsewhere in the file: both are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.lake.maintenance.parquet_footer import (
    MAGIC,
    PAGE_OFFSETS,
    Chunk,
    Group,
    Meta,
    inner,
    number,
    structs,
    with_fields,
)
from shared.lake.maintenance.thrift_compact import Field, Items, Kind, Struct, ThriftError

LAST_ORDINAL = 2**15 - 1


def chunk_range(column: Struct, end: int) -> tuple[int, int]:
    """Where the pages of a column chunk begin, and how many bytes they are.

    Raises:
        ThriftError: they go beyond where the footer begins.
    """
    begin = _begin(column)
    size = number(meta_of(column), Meta.TOTAL_COMPRESSED_SIZE)
    if begin < len(MAGIC) or size <= 0 or begin + size > end:
        raise ThriftError(f"{size} bytes at {begin}, but pages lie in bytes 4 to {end}")
    return begin, size


def moved(fields: Struct, shifts: Sequence[int], ordinal: int) -> Struct:
    """A ``RowGroup`` in another place.

    Args:
        fields: of it.
        shifts: by how many bytes the pages of each column move.
        ordinal: its number in the file.
    """
    columns = [
        _moved(column, by)
        for column, by in zip(structs(fields, Group.COLUMNS), shifts, strict=True)
    ]
    numbered = Group.ORDINAL in fields and ordinal <= LAST_ORDINAL
    return with_fields(
        fields,
        {
            Group.COLUMNS: Field(Kind.LIST, Items(Kind.STRUCT, columns)),
            Group.FILE_OFFSET: Field(Kind.I64, min(map(_begin, columns))),
            Group.ORDINAL: Field(Kind.I16, ordinal) if numbered else None,
        },
    )


def _moved(column: Struct, by: int) -> Struct:
    meta = meta_of(column)
    changed: dict[int, Field | None] = {
        field: Field(Kind.I64, value + by)
        for field in PAGE_OFFSETS
        if (value := number(meta, field)) > 0
    }
    if Meta.DICTIONARY_PAGE_OFFSET not in changed:
        changed[Meta.DICTIONARY_PAGE_OFFSET] = None  # 0 of some writers: there is none
    changed[Meta.BLOOM_FILTER_OFFSET] = changed[Meta.BLOOM_FILTER_LENGTH] = None
    return with_fields(
        column,
        {
            Chunk.FILE_OFFSET: Field(Kind.I64, 0),  # "should be set to 0": nothing lies there
            Chunk.META_DATA: Field(Kind.STRUCT, with_fields(meta, changed)),
            Chunk.OFFSET_INDEX_OFFSET: None,
            Chunk.OFFSET_INDEX_LENGTH: None,
            Chunk.COLUMN_INDEX_OFFSET: None,
            Chunk.COLUMN_INDEX_LENGTH: None,
        },
    )


def _begin(column: Struct) -> int:
    meta = meta_of(column)
    return min((value for field in PAGE_OFFSETS if (value := number(meta, field)) > 0), default=0)


def meta_of(column: Struct) -> Struct:
    """Of a column chunk.

    Raises:
        ThriftError: it has none, as if it were encrypted or elsewhere.
    """
    found = inner(column, Chunk.META_DATA)
    if found is None:
        raise ThriftError("a column chunk without metadata")
    return found
