"""Which column of a Parquet file holds which Iceberg field, and how much of the file it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
import pyarrow.parquet as pq
from pyiceberg.io import InputStream
from pyiceberg.table.name_mapping import NameMapping

_FIELD_ID = b"PARQUET:field_id"


@dataclass(frozen=True, slots=True)
class FileLayout:
    """The footer of one Parquet file, as far as readers here need it.

    Attributes:
        names: the file's own column name of each Iceberg field id; empty when the file has none.
        types: polars' types by the file's own column names.
        sizes: compressed bytes by the file's own column names.
    """

    names: Mapping[int, str]
    types: Mapping[str, pl.DataType]
    sizes: Mapping[str, int]


def file_layout(source: str | InputStream | object) -> FileLayout:
    """Read a footer.

    Args:
        source: a local path, or anything that pyarrow reads a Parquet file from.
    """
    footer = pq.read_metadata(source)
    arrow = footer.schema.to_arrow_schema()
    names: dict[int, str] = {}
    for field in arrow:
        if field.metadata and _FIELD_ID in field.metadata:
            names[int(field.metadata[_FIELD_ID])] = field.name
    sizes: dict[str, int] = {}
    for group in range(footer.num_row_groups):
        row_group = footer.row_group(group)
        for index in range(row_group.num_columns):
            column = row_group.column(index)
            top = column.path_in_schema.split(".", 1)[0]
            sizes[top] = sizes.get(top, 0) + column.total_compressed_size
    return FileLayout(names, dict(pl.Schema(arrow)), sizes)


def mapped(layout: FileLayout, mapping: NameMapping) -> FileLayout:
    """The layout of a file without field ids, whose columns a table's name mapping tells."""
    names = {
        field.field_id: name
        for field in mapping.root
        for name in field.names
        if field.field_id is not None and name in layout.types
    }
    return FileLayout(names, layout.types, layout.sizes)
