"""Data files made of row groups that are copied and rows that are written anew, in any order.

One writer makes every file: bytes of copied row groups pass through as they come, rows are encoded
straight into the same stream, and the footer tells of both.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io import OutputStream
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.typedef import Record

from shared.lake.maintenance.column_chunks import moved
from shared.lake.maintenance.copied_groups import OldGroup
from shared.lake.maintenance.parquet_footer import (
    MAGIC,
    closing,
    footer_of,
    metadata,
    pattern,
    structs,
)
from shared.lake.maintenance.parquet_footer import Group as Fields
from shared.lake.maintenance.thrift_compact import Struct
from shared.lake.parquet_file import described, parquet_writer


@dataclass(frozen=True, slots=True)
class Copy:
    """A row group to copy.

    Attributes:
        group: what it is.
        content: gives its bytes, column after column, in parts as they are read.
    """

    group: OldGroup
    content: Callable[[], Iterable[bytes]]


Piece: TypeAlias = pa.Table | Copy


def assembled(
    table: Table,
    place: tuple[int, Record],
    schema: pa.Schema,
    pieces: Iterator[Piece],
    *,
    target_bytes: int,
) -> list[DataFile]:
    """Write row groups of one partition as they come: rows, each of which become one, and copies.

    Args:
        table: where the files belong.
        place: partition spec and partition.
        schema: of rows and copies, with field ids.
        pieces: asked for one after the other; none makes no file.
        target_bytes: a file of that size is full; the next piece goes into another one.

    Returns:
        the data files in the order of their rows, not yet named by any snapshot.

    Raises:
        OSError: the object store did not take them, or did not give what is copied.
        CheckFailed: what is copied is broken, as ``content`` finds.
    """
    folder = table.specs()[place[0]].partition_to_path(place[1], table.schema())
    like = pattern(schema)
    files = []
    while (first := next(pieces, None)) is not None:
        name = f"{uuid.uuid4()}.parquet"
        location = table.location_provider().new_data_location(
            f"{folder}/{name}" if folder else name
        )
        with table.io.new_output(location).create(overwrite=True) as stream:
            file = AssembledFile(stream, like)
            try:
                for piece in chain([first], _until(pieces, file, target_bytes)):
                    file.add(piece)
                told = file.close()
            except BaseException:
                file.abandon()
                raise
        files.append(described(table, place, location, file.size, told))
    return files


def _until(pieces: Iterator[Piece], file: AssembledFile, target_bytes: int) -> Iterator[Piece]:
    while file.size < target_bytes and (piece := next(pieces, None)) is not None:
        yield piece


class AssembledFile:
    """A Parquet file that is being written.

    Args:
        stream: of an object that is empty so far.
        like: ``FileMetaData`` of a file of the same schema.
    """

    def __init__(self, stream: OutputStream, like: Struct) -> None:
        self._stream, self._like = stream, like
        self._groups: list[Struct] = []
        self._encoded: _Encoded | None = None
        self.size = 0
        self._write(MAGIC)

    def add(self, piece: Piece) -> None:
        """Another row group, behind the others.

        Raises:
            OSError: the object store did not take it, or did not give what is copied.
            CheckFailed: as ``content`` of a copy raises it.
        """
        if isinstance(piece, pa.Table):
            if self._encoded is None:
                self._encoded = _Encoded(self._write, self.size, piece)
            self._encoded.add(piece)
            return
        self._end_encoded()
        self._groups.append(piece.group.at(self.size, len(self._groups)))
        for part in piece.content():
            self._write(part)

    def close(self) -> pq.FileMetaData:
        """Write the footer, which is returned; the stream stays open."""
        self._end_encoded()
        end = closing(self._like, self._groups)
        self._write(end)
        return metadata(end)

    def abandon(self) -> None:
        """Write nothing more, also later, when what it is made of is tidied up."""
        if self._encoded is not None:
            self._encoded.abandoned()

    def _end_encoded(self) -> None:
        if self._encoded is None:
            return
        encoded, self._encoded = self._encoded, None
        for group in encoded.ended():
            shifts = [encoded.shift] * len(structs(group, Fields.COLUMNS))
            self._groups.append(moved(group, shifts, len(self._groups)))

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self.size += len(data)


class _Encoded:
    """Rows that are encoded, one row group after the other, into a file that has others, too.

    To the library this is a file; its magic is swallowed, and so is its footer, which is looked
    into for the row groups.
    """

    def __init__(self, write: Callable[[bytes], None], start: int, first: pa.Table) -> None:
        self._write = write
        self.shift = start - len(MAGIC)
        self._at = 0
        self._end: bytearray | None = None
        self.closed = False
        self._writer = parquet_writer(pa.PythonFile(self, mode="w"), first)

    def add(self, rows: pa.Table) -> None:
        """As one row group."""
        self._writer.write_table(rows, row_group_size=max(len(rows), 1))

    def ended(self) -> Sequence[Struct]:
        """The row groups, with offsets as of a file of their own; ``shift`` leads to ours."""
        end = self._closed()
        padded = MAGIC + end  # as if nothing lay before
        return footer_of(lambda begin, count: padded[begin : begin + count], len(padded)).groups

    def abandoned(self) -> None:
        """Have the library write nothing more, wherever it is."""
        self._closed()

    def _closed(self) -> bytes:
        """What the library writes at the end, in place of which nothing is written.

        The library holds this object where the garbage collector does not see it, so whoever is
        held by the library has to let go of it, or both stay for ever with all that they know.
        """
        self._end = end = bytearray()
        writer = self._writer
        del self._writer
        writer.close()
        return bytes(end)

    def write(self, data: bytes) -> int:
        """For the library."""
        if self._end is not None:
            self._end += data
        elif self._at:
            self._write(data)
        elif data != MAGIC:
            raise RuntimeError(f"the library begins a file with {data[:16]!r}")
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        """For the library."""
        return self._at

    def flush(self) -> None:
        """For the library."""

    def close(self) -> None:
        """For the library."""
        self.closed = True

    def readable(self) -> bool:
        """For the library."""
        return False

    def writable(self) -> bool:
        """For the library."""
        return True

    def seekable(self) -> bool:
        """For the library."""
        return False
