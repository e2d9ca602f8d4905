"""Columns of a table as they are now, found in files by Iceberg field id.

Iceberg specification, "Column Projection": a renamed column is found under its old name, one that
was dropped and made again under the same name is another one, one that a file lacks has the value
of the file's identity partition, or the column's initial default, or null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import NestedField, PrimitiveType

from shared.lake.reading.bounded_cache import BoundedCache
from shared.lake.reading.file_layout import FileLayout
from shared.lake.reading.missing_values import missing_value
from shared.runtime.errors import NotFound, Refused

KEPT_COLUMNS = 500
"""Choices of columns that are remembered: a builder makes the same ones again and again."""

_Choice = tuple[Mapping[str, NestedField], pl.Schema, bool, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns wanted, in order, and the types that they get.

    Attributes:
        table: whose they are.
        fields: by name.
        types: by name.
        settled: no name, id or type of them was ever another, so that a file which holds their
            ids holds them under these names.
        none: no rows.
    """

    table: Table
    fields: Mapping[str, NestedField]
    types: pl.Schema
    settled: bool
    none: pl.DataFrame = field(repr=False, compare=False)

    @classmethod
    def of(cls, table: Table, names: Sequence[str]) -> Columns:
        """The columns of these names in the table's present schema; names given twice count once.

        Raises:
            NotFound: the table has no such column.
            Refused: a column is nested.
        """
        metadata = table.metadata
        schemas = [schema.schema_id for schema in metadata.schemas]
        known = f"{metadata.table_uuid} {metadata.current_schema_id} {schemas} {list(names)}"
        return cls(table, *_KEPT.get(known, lambda: cls._chosen(table, names)))

    @staticmethod
    def _chosen(table: Table, names: Sequence[str]) -> _Choice:
        present = {field.name: field for field in table.schema().fields}
        fields: dict[str, NestedField] = {}
        for name in names:
            if name not in present:
                raise NotFound(
                    f"{'.'.join(table.name())} has no column {name!r}",
                    f"its columns are: {', '.join(present)}",
                )
            fields[name] = field = present[name]
            if not isinstance(field.field_type, PrimitiveType):
                raise Refused(
                    f"{'.'.join(table.name())}: column {name} is nested ({field.field_type})",
                    "only flat columns are read: read it with an engine of your own",
                )
        arrow = schema_to_pyarrow(Schema(*fields.values()), include_field_ids=False)
        types = pl.Schema(arrow)
        return fields, types, _settled(table, fields), pl.DataFrame(schema=types)

    def empty(self) -> pl.DataFrame:
        """No rows of these columns."""
        return self.none.clone()

    def named_as_now(self, file: DataFile) -> bool:
        """Whether a file certainly holds all of these columns, under their present names.

        What its manifest says suffices for that. Where it does not say so, say of a file older
        than a column or without metrics, the file itself has to be asked.
        """
        sizes = file.column_sizes or {}
        return self.settled and all(field.field_id in sizes for field in self.fields.values())

    def bytes_in(self, file: DataFile) -> int:
        """Bytes that these columns take in a file; of all of it when its manifest does not say."""
        sizes = file.column_sizes
        if not sizes:
            return file.file_size_in_bytes
        return sum(sizes.get(field.field_id, 0) for field in self.fields.values())

    def names_in(self, file: DataFile, layout: FileLayout) -> dict[str, str]:
        """The file's own names of those columns that it has.

        Raises:
            Refused: the file has no field ids, and the table has no name mapping.
        """
        if not layout.names:
            mapping = self.table.name_mapping()
            if mapping is None:
                raise Refused(
                    f"{'.'.join(self.table.name())}: {file.file_path} has no Iceberg field ids",
                    "set the table property schema.name-mapping.default, or rewrite the file",
                )
            layout = layout.mapped(mapping)
        return {
            name: layout.names[field.field_id]
            for name, field in self.fields.items()
            if field.field_id in layout.names
        }

    def expressions(
        self, names: Mapping[str, str], layout: FileLayout, constants: Mapping[str, Any]
    ) -> list[pl.Expr]:
        """The columns, from the file's own ``names`` or from ``constants``."""
        expressions: list[pl.Expr] = []
        for name, wanted in self.types.items():
            own = names.get(name)
            if own is None:
                expressions.append(pl.lit(constants[name]).cast(wanted).alias(name))
                continue
            column = pl.col(own)
            if layout.types[own] != wanted:
                column = column.cast(wanted)
            expressions.append(column if own == name else column.alias(name))
        return expressions

    def constants_in(self, file: DataFile, names: Mapping[str, str]) -> dict[str, Any]:
        """What those columns hold that a file lacks."""
        return {
            name: missing_value(self.table, file, field)
            for name, field in self.fields.items()
            if name not in names
        }


_KEPT: BoundedCache[_Choice] = BoundedCache(KEPT_COLUMNS, lambda _: 1)


def _settled(table: Table, fields: Mapping[str, NestedField]) -> bool:
    schemas = table.schemas()
    if sorted(schemas) != list(range(len(schemas))):
        return False  # somebody removed schemas: what they said is not known
    by_id = {field.field_id: field for field in fields.values()}
    return all(
        (field.field_id in by_id) == (field.name in fields)
        and (
            field.field_id not in by_id
            or (field.name, field.field_type)
            == (by_id[field.field_id].name, by_id[field.field_id].field_type)
        )
        for schema in schemas.values()
        for field in schema.fields
    )
