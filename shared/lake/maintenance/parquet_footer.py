"""The footer of a Parquet file, as structs that can be changed. Pure but for :func:`footer_of`.

Names of fields are those of ``parquet.thrift``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import pyarrow as pa
import pyarrow.parquet as pq

from shared.lake.maintenance.thrift_compact import (
    Field,
    Items,
    Kind,
    Struct,
    ThriftError,
    decode,
    encode,
)

MAGIC = b"PAR1"
GUESSED_BYTES = 64 * 2**10
"""Of a file's end, fetched in the hope that the footer is no longer."""


class File(IntEnum):
    """``FileMetaData``."""

    SCHEMA = 2
    NUM_ROWS = 3
    ROW_GROUPS = 4
    COLUMN_ORDERS = 7
    ENCRYPTION_ALGORITHM = 8


class Element(IntEnum):
    """``SchemaElement``."""

    TYPE = 1
    TYPE_LENGTH = 2
    NUM_CHILDREN = 5


class Group(IntEnum):
    """``RowGroup``."""

    COLUMNS = 1
    TOTAL_BYTE_SIZE = 2
    NUM_ROWS = 3
    FILE_OFFSET = 5
    TOTAL_COMPRESSED_SIZE = 6
    ORDINAL = 7


class Chunk(IntEnum):
    """``ColumnChunk``."""

    FILE_PATH = 1
    FILE_OFFSET = 2
    META_DATA = 3
    OFFSET_INDEX_OFFSET = 4
    OFFSET_INDEX_LENGTH = 5
    COLUMN_INDEX_OFFSET = 6
    COLUMN_INDEX_LENGTH = 7
    CRYPTO_METADATA = 8
    ENCRYPTED_COLUMN_METADATA = 9


class Meta(IntEnum):
    """``ColumnMetaData``."""

    TYPE = 1
    CODEC = 4
    NUM_VALUES = 5
    TOTAL_COMPRESSED_SIZE = 7
    DATA_PAGE_OFFSET = 9
    INDEX_PAGE_OFFSET = 10
    DICTIONARY_PAGE_OFFSET = 11
    STATISTICS = 12
    BLOOM_FILTER_OFFSET = 14
    BLOOM_FILTER_LENGTH = 15


PAGE_OFFSETS = (Meta.DATA_PAGE_OFFSET, Meta.INDEX_PAGE_OFFSET, Meta.DICTIONARY_PAGE_OFFSET)


class Statistics(IntEnum):
    """``Statistics``; fields 1 and 2 are bounds whose order nobody defined."""

    MAX = 1
    MIN = 2
    NULL_COUNT = 3
    MAX_VALUE = 5
    MIN_VALUE = 6
    IS_MAX_VALUE_EXACT = 7
    IS_MIN_VALUE_EXACT = 8


@dataclass(frozen=True, slots=True)
class Footer:
    """A decoded footer.

    Attributes:
        fields: of ``FileMetaData``.
        start: where it begins in the file: pages lie before.
    """

    fields: Struct
    start: int

    @property
    def groups(self) -> Sequence[Struct]:
        """Its row groups."""
        return structs(self.fields, File.ROW_GROUPS)

    @property
    def rows(self) -> int:
        """Of the file."""
        return number(self.fields, File.NUM_ROWS)


def footer_of(read: Callable[[int, int], bytes], size: int) -> Footer:
    """The footer of a file.

    Args:
        read: gives the bytes from an offset on, so many of them.
        size: of the file.

    Raises:
        ThriftError: the file has none, or it is encrypted.
        OSError: the file cannot be read.
    """
    least = len(MAGIC) + 4
    end = read(max(0, size - GUESSED_BYTES), min(size, GUESSED_BYTES))
    if len(end) < least or end[-4:] != MAGIC:
        raise ThriftError(f"a file of {size} bytes does not end as Parquet does")
    (length,) = struct.unpack("<I", end[-least:-4])
    if length + least + len(MAGIC) > size:
        raise ThriftError(f"a footer of {length} bytes in a file of {size}")
    start = size - least - length
    if length + least > len(end):
        end = read(start, length) + end[-least:]
    content = end[-least - length : -least]
    fields, behind = decode(content)
    if behind != length:
        raise ThriftError(f"a footer of {length} bytes ends after {behind}")
    return Footer(fields, start)


def pattern(schema: pa.Schema) -> Struct:
    """``FileMetaData`` of a file without rows that this library writes with a schema."""
    made = pa.BufferOutputStream()
    pq.ParquetWriter(made, schema, store_schema=False, store_decimal_as_integer=True).close()
    content = made.getvalue()
    return footer_of(lambda at, count: content[at : at + count].to_pybytes(), content.size).fields


def closing(like: Struct, groups: Sequence[Struct]) -> bytes:
    """What ends a file of these row groups: footer, its length and the magic.

    Args:
        like: ``FileMetaData`` whose schema, column orders, version and writer count.
        groups: in the order in which they lie in the file.
    """
    rows = sum(number(group, Group.NUM_ROWS) for group in groups)
    fields = dict(like)
    fields[File.NUM_ROWS] = Field(Kind.I64, rows)
    fields[File.ROW_GROUPS] = Field(Kind.LIST, Items(Kind.STRUCT, list(groups)))
    content = encode(fields)
    return content + struct.pack("<I", len(content)) + MAGIC


def metadata(end: bytes) -> pq.FileMetaData:
    """As this library reads what :func:`closing` gave."""
    return pq.read_metadata(pa.BufferReader(MAGIC + end))


def number(fields: Struct, field: int, default: int = 0) -> int:
    """The value of a field of numbers.

    Raises:
        ThriftError: it is no number.
    """
    found = fields.get(field)
    if found is None:
        return default
    if not isinstance(found.value, int):
        raise ThriftError(f"field {field} holds {found.value!r}, no number")
    return found.value


def structs(fields: Struct, field: int) -> Sequence[Struct]:
    """The structs of a field that is a list of them; none where it is missing.

    Raises:
        ThriftError: it is no such list.
    """
    found = fields.get(field)
    if found is None:
        return ()
    if not isinstance(found.value, Items) or (found.value.values and found.value.kind != 12):
        raise ThriftError(f"field {field} is no list of structs")
    return found.value.values


def inner(fields: Struct, field: int) -> Struct | None:
    """The struct of a field, if it is there.

    Raises:
        ThriftError: it is no struct.
    """
    found = fields.get(field)
    if found is None:
        return None
    if not isinstance(found.value, dict):
        raise ThriftError(f"field {field} is no struct")
    return found.value


def with_fields(fields: Struct, changed: Mapping[int, Field | None]) -> Struct:
    """A struct with other fields, ``None`` for those that go, in the order of their numbers."""
    found = {**fields, **changed}
    return {key: value for key, value in sorted(found.items()) if value is not None}
