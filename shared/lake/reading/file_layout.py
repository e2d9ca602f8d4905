"""Which column of a Parquet file holds which Iceberg field, as the file itself says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile
from pyiceberg.table.name_mapping import NameMapping

from shared.lake.reading.bounded_cache import BoundedCache

FETCHES = 8
"""Most requests to the store at once."""

KEPT_LAYOUTS = 20_000
_FIELD_ID = b"PARQUET:field_id"


@dataclass(frozen=True, slots=True)
class FileLayout:
    """The columns of one Parquet file.

    Attributes:
        names: the file's own column name of each Iceberg field id; empty when the file has none.
        types: polars' types by the file's own column names.
    """

    names: Mapping[int, str]
    types: Mapping[str, pl.DataType]

    def mapped(self, mapping: NameMapping) -> FileLayout:
        """The layout of a file without field ids, whose columns a table's name mapping tells."""
        names = {
            field.field_id: name
            for field in mapping.root
            for name in field.names
            if field.field_id is not None and name in self.types
        }
        return FileLayout(names, self.types)


_LAYOUTS: BoundedCache[FileLayout] = BoundedCache(KEPT_LAYOUTS, lambda _: 1)


def file_layouts(io: FileIO, files: Sequence[DataFile]) -> list[FileLayout]:
    """The layout of each file; footers are read once a process, as long as they are kept.

    Raises:
        OSError: the store does not answer, or lacks a file.
    """
    paths = [each.file_path for each in files]
    if sum(_LAYOUTS.peek(path) is None for path in paths) < 2:
        return [_layout(io, path) for path in paths]
    with ThreadPoolExecutor(min(FETCHES, len(paths)), "bergline-fetch") as pool:
        return list(pool.map(lambda path: _layout(io, path), paths))


def _layout(io: FileIO, path: str) -> FileLayout:
    return _LAYOUTS.get(path, lambda: _read(io, path))


def _read(io: FileIO, path: str) -> FileLayout:
    with io.new_input(path).open(seekable=True) as stream:
        schema: pa.Schema = pq.read_metadata(stream).schema.to_arrow_schema()
    names = {
        int(field.metadata[_FIELD_ID]): field.name
        for field in schema
        if field.metadata and _FIELD_ID in field.metadata
    }
    return FileLayout(names, dict(pl.Schema(schema)))
