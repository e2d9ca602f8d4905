"""Rows of data files as the table's present schema has them, a batch at a time.

Columns are found by field id: renamed and widened ones are given as they are called and typed now,
those that came since get the value that the Iceberg specification says ("Column Projection"), those
that are gone are not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.types import NestedField, PrimitiveType

from shared.lake.reading.missing_values import missing_value
from shared.runtime.errors import Refused

BUFFER_BYTES = 2**18
"""Of each column of a row group that is too large to be fetched at once."""

PROBED_ABOVE_ROWS, PROBED_ROWS = 8_192, 256
"""Of a row group with more rows, so many are decoded to see how wide they are."""

DECODED = 4
"""So many times a batch's bytes may its rows be, decoded."""

_FIELD_ID = b"PARQUET:field_id"


class FileRows:
    """Reads data files of one table.

    Args:
        table: whose present schema counts.
        batch_bytes: about so many encoded bytes are decoded at a time, to no more than four times
            as many; up to twice as many compressed bytes of a row group are held beside it.

    Raises:
        Refused: a column is nested.
    """

    def __init__(self, table: Table, batch_bytes: int) -> None:
        self._table, self._batch_bytes = table, batch_bytes
        fields = table.schema().fields
        for field in fields:
            if not isinstance(field.field_type, PrimitiveType):
                raise Refused(
                    f"{'.'.join(table.name())}: column {field.name} is nested "
                    f"({field.field_type}); only tables of flat columns are compacted",
                    "compact it with an engine that rewrites nested columns",
                )
        self._fields = fields
        self.schema = pa.schema([_compact(f) for f in schema_to_pyarrow(table.schema())])
        """Of every batch: the present columns with their field ids, texts with 32-bit offsets."""

    def batches(
        self, file: DataFile, content: bytes | None, groups: Iterable[int] | None = None
    ) -> Iterator[pa.Table]:
        """All rows of a file in order, deleted ones included.

        Args:
            file: which.
            content: of all of it, if it was fetched before.
            groups: numbers of the row groups that are read; otherwise all are.

        Raises:
            Refused: it has no field ids, and the table has no name mapping.
            OSError: the object store does not answer, or lacks the file.
            ArrowInvalid: a value does not fit the present type.
            ArrowNotImplementedError: nothing of the file's type becomes the present one.
        """
        if content is not None:
            whole = pa.BufferReader(content)
            yield from self._decoded(file, pq.ParquetFile(whole), whole, groups)
            return
        with self._table.io.new_input(file.file_path).open(seekable=True) as stream:
            opened = pq.ParquetFile(stream, pre_buffer=True)
            if _largest(opened.metadata) > 2 * self._batch_bytes:
                opened = pq.ParquetFile(stream, pre_buffer=False, buffer_size=BUFFER_BYTES)
            yield from self._decoded(file, opened, stream, groups)

    def _decoded(
        self, file: DataFile, opened: pq.ParquetFile, source: Any, groups: Iterable[int] | None
    ) -> Iterator[pa.Table]:
        names = self._names(file, opened.schema_arrow)
        wanted = list(names.values())
        for number in range(opened.num_row_groups) if groups is None else groups:
            count = self._at_once(opened.metadata, source, number, wanted)
            if count >= opened.metadata.row_group(number).num_rows:
                rows = opened.read_row_group(number, columns=wanted, use_threads=False)
                yield self._present(file, names, rows)
                continue
            for batch in opened.iter_batches(
                count, row_groups=[number], columns=wanted, use_threads=False
            ):
                yield self._present(file, names, pa.Table.from_batches([batch]))

    def _at_once(
        self, metadata: pq.FileMetaData, source: Any, number: int, wanted: list[str]
    ) -> int:
        """How many rows of a row group are a batch.

        Values that repeat take next to no room in a file, and all of theirs once decoded: a few
        rows of a group of many tell how wide they are.
        """
        group = metadata.row_group(number)
        rows: int = group.num_rows
        count = rows
        if group.total_byte_size > self._batch_bytes:
            count = max(1, rows * self._batch_bytes // group.total_byte_size)
        if rows > PROBED_ABOVE_ROWS:
            probed = pq.ParquetFile(source, metadata=metadata, buffer_size=BUFFER_BYTES)
            found = probed.iter_batches(
                PROBED_ROWS, row_groups=[number], columns=wanted, use_threads=False
            )
            first = next(found, None)
            if first is not None and len(first) and first.nbytes:
                count = min(count, DECODED * self._batch_bytes * len(first) // first.nbytes)
        return max(1, count)

    def _names(self, file: DataFile, schema: pa.Schema) -> dict[int, str]:
        """The file's own names of those columns that it has, by field id."""
        found = {
            int(field.metadata[_FIELD_ID]): field.name
            for field in schema
            if field.metadata and _FIELD_ID in field.metadata
        }
        if not found:
            mapping = self._table.name_mapping()
            if mapping is None:
                raise Refused(
                    f"{'.'.join(self._table.name())}: {file.file_path} has no Iceberg field ids",
                    "set the table property schema.name-mapping.default",
                )
            own = set(schema.names)
            found = {
                field.field_id: name
                for field in mapping.root
                for name in field.names
                if field.field_id is not None and name in own
            }
        return {f.field_id: found[f.field_id] for f in self._fields if f.field_id in found}

    def _present(self, file: DataFile, names: dict[int, str], rows: pa.Table) -> pa.Table:
        columns = []
        for field, wanted in zip(self._fields, self.schema, strict=True):
            if (own := names.get(field.field_id)) is None:
                columns.append(self._missing(file, field, wanted.type, len(rows)))
                continue
            column = rows[own]
            columns.append(column if column.type == wanted.type else column.cast(wanted.type))
        return pa.Table.from_arrays(columns, schema=self.schema)

    def _missing(
        self, file: DataFile, field: NestedField, kind: pa.DataType, count: int
    ) -> pa.Array:
        value = missing_value(self._table, file, field)
        if value is None:
            return pa.nulls(count, kind)
        return pa.repeat(pa.array([value], kind)[0], count)  # days and moments may be numbers


def without(rows: pa.Table, first: int, gone: pa.Array | None) -> tuple[pa.Table, pa.Array | None]:
    """Rows that are not deleted, and which of ``rows`` they are; ``None`` for all of them.

    Args:
        rows: of one file, neighbours.
        first: the position of the first of them.
        gone: deleted positions of that file, ascending.
    """
    if gone is None or not len(gone):
        return rows, None
    positions = pa.arange(first, first + len(rows))
    kept = pc.invert(pc.is_in(positions, gone))
    if pc.all(kept).as_py():
        return rows, None
    return rows.filter(kept), pc.subtract(positions.filter(kept), first)


def _largest(metadata: pq.FileMetaData) -> int:
    """Compressed bytes of the largest row group."""
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    return max(
        (
            sum(group.column(at).total_compressed_size for at in range(group.num_columns))
            for group in groups
        ),
        default=0,
    )


def _compact(field: pa.Field) -> pa.Field:
    """As Parquet gives it: to widen every offset would cost a copy, and files do not show it."""
    if pa.types.is_large_string(field.type):
        return field.with_type(pa.string())
    if pa.types.is_large_binary(field.type):
        return field.with_type(pa.binary())
    return field
