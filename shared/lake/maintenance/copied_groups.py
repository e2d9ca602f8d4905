"""Which row groups of a file can be copied as they are, and what they are in the new file. Pure.

A row group is copied when it is large enough and a rewrite would give the same but for the pages:
the file has exactly the schema that would be written now, column by column, pages are compressed as
ours are, and the bounds and counts of every column are as good as our own writer's. Its bytes stay;
offsets in the footer move. Page indexes name places of pages and Bloom filters lie elsewhere in the
file: both are left out, as our writer makes neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.lake.maintenance.column_chunks import chunk_range, meta_of, moved
from shared.lake.maintenance.copied_columns import SAME_WRITER, as_good_as_ours, bounds_of, widths
from shared.lake.maintenance.parquet_footer import (
    File,
    Footer,
    Group,
    Meta,
    Statistics,
    inner,
    number,
    structs,
)
from shared.lake.maintenance.thrift_compact import (
    Struct,
    ThriftError,
    decode,
    encode,
)

ENOUGH_ROWS = 50_000
ENOUGH_BYTES = 8 * 2**20
"""Compressed. A row group with so many rows or bytes is copied: at least half of what rows that are
written anew come to, so readers find at most twice as many row groups. Half as many rows in each of
orders with 84 columns made a file larger by 0.3 %, and its footer by 10 kB for 100,000 rows."""

CREATED_BY = 6


@dataclass(frozen=True, slots=True)
class OldGroup:
    """A row group of an old file.

    Attributes:
        number: of it in the file.
        first: position in the file of its first row.
        rows: that it has.
        chunks: where the bytes of each column lie, and how many they are, in order of the columns.
        content: of its ``RowGroup``, encoded: so it is a tenth as large as decoded.
        copied: whether it can be.
    """

    number: int
    first: int
    rows: int
    chunks: Sequence[tuple[int, int]]
    content: bytes
    copied: bool

    @property
    def size(self) -> int:
        """Bytes to copy."""
        return sum(size for _, size in self.chunks)

    def bounds(self, column: int) -> tuple[bytes | None, bytes | None, int]:
        """Least and greatest value of a column, as Parquet encodes them, and how many nulls."""
        fields, _ = decode(self.content)
        told = inner(meta_of(structs(fields, Group.COLUMNS)[column]), Meta.STATISTICS) or {}
        least, greatest = bounds_of(told)
        return least, greatest, number(told, Statistics.NULL_COUNT, -1)

    @property
    def values(self) -> Sequence[tuple[int, int]]:
        """Bytes and values of each column."""
        fields, _ = decode(self.content)
        metas = [meta_of(column) for column in structs(fields, Group.COLUMNS)]
        return [(number(m, Meta.TOTAL_COMPRESSED_SIZE), number(m, Meta.NUM_VALUES)) for m in metas]

    def at(self, start: int, ordinal: int) -> Struct:
        """Its ``RowGroup`` where the bytes of its columns follow one another from ``start`` on."""
        fields, _ = decode(self.content)
        shifts = []
        for begin, size in self.chunks:
            shifts.append(start - begin)
            start += size
        return moved(fields, shifts, ordinal)


def enough(rows: int, size: int) -> bool:
    """Whether that much is copied: of a row group, or of a file if it were one."""
    return rows >= ENOUGH_ROWS or size >= ENOUGH_BYTES


def old_groups(footer: Footer, like: Struct) -> list[OldGroup]:
    """The row groups of a file whose columns are those that would be written; else none.

    Args:
        footer: of the file.
        like: ``FileMetaData`` of what would be written.

    Raises:
        ThriftError: the footer is none, or tells of bytes or rows that the file does not have.
    """
    found: list[OldGroup] = []
    if not _same_columns(footer.fields, like):
        return found
    created_by = footer.fields.get(CREATED_BY)
    same_writer = created_by is not None and bytes(created_by.value).startswith(SAME_WRITER)
    bytes_of = widths(structs(like, File.SCHEMA)[1:])
    first = 0
    for place, fields in enumerate(footer.groups):
        rows = number(fields, Group.NUM_ROWS)
        columns = structs(fields, Group.COLUMNS)
        size = sum(number(meta_of(each), Meta.TOTAL_COMPRESSED_SIZE) for each in columns)
        good = rows > 0 and enough(rows, size)
        good = good and len(columns) == len(bytes_of)
        good = good and all(
            as_good_as_ours(column, rows, width, same_writer)
            for column, width in zip(columns, bytes_of, strict=True)
        )
        chunks = [chunk_range(each, footer.start) for each in columns] if good else []
        found.append(OldGroup(place, first, rows, chunks, encode(fields), good))
        first += rows
    if first != footer.rows:
        raise ThriftError(f"row groups of {first} rows in a file of {footer.rows}")
    return found


def _same_columns(fields: Struct, like: Struct) -> bool:
    """Names, types, nesting, field ids and order of values; the root's own name does not count."""
    return (
        File.ENCRYPTION_ALGORITHM not in fields
        and structs(fields, File.SCHEMA)[1:] == structs(like, File.SCHEMA)[1:]
        and structs(fields, File.COLUMN_ORDERS) == structs(like, File.COLUMN_ORDERS)
    )
