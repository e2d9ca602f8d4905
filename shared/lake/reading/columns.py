"""Columns of a table as they are now, found in files by Iceberg field id.

Iceberg specification, "Column Projection": a renamed column is found under its old name, one that
was dropped and made again under the same name is another one, one that a file lacks has the value
of the file's identity partition, or the column's initial default, or null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import NestedField, PrimitiveType

from shared.lake.reading.file_layout import FileLayout, mapped
from shared.runtime.errors import NotFound, Refused


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns wanted, in order, and the types that they get.

    Attributes:
        table: whose they are.
        fields: by name.
        types: by name.
    """

    table: Table
    fields: Mapping[str, NestedField]
    types: pl.Schema

    @classmethod
    def of(cls, table: Table, names: Sequence[str]) -> Columns:
        """The columns of these names in the table's present schema; names given twice count once.

        Raises:
            NotFound: the table has no such column.
            Refused: a column is nested.
        """
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
        return cls(table, fields, pl.Schema(arrow))

    def empty(self) -> pl.DataFrame:
        """No rows of these columns."""
        return pl.DataFrame(schema=self.types)

    def names_in(self, file: DataFile, layout: FileLayout) -> dict[str, str]:
        """The file's own names of those columns that it has.

        Raises:
            Refused: the file has no field ids, and the table says no name mapping.
        """
        if not layout.names:
            mapping = self.table.name_mapping()
            if mapping is None:
                raise Refused(
                    f"{'.'.join(self.table.name())}: {file.file_path} has no Iceberg field ids",
                    "set the table property schema.name-mapping.default, or rewrite the file",
                )
            layout = mapped(layout, mapping)
        return {
            name: layout.names[field.field_id]
            for name, field in self.fields.items()
            if field.field_id in layout.names
        }

    def expressions(self, file: DataFile, layout: FileLayout) -> list[pl.Expr]:
        """The columns, from the file's own; raises as :meth:`names_in`."""
        names = self.names_in(file, layout)
        expressions: list[pl.Expr] = []
        for name, wanted in self.types.items():
            own = names.get(name)
            if own is None:
                value = pl.lit(self._constant(file, self.fields[name]))
                expressions.append(value.cast(wanted).alias(name))
                continue
            column = pl.col(own)
            if layout.types[own] != wanted:
                column = column.cast(wanted)
            expressions.append(column if own == name else column.alias(name))
        return expressions

    def _constant(self, file: DataFile, field: NestedField) -> Any:
        spec = self.table.specs().get(file.spec_id)
        for index, part in enumerate(() if spec is None else spec.fields):
            if part.source_id == field.field_id and isinstance(part.transform, IdentityTransform):
                return file.partition[index]
        return field.initial_default
