"""What a column holds in files that lack it (Iceberg spec, "Column Projection")."""

from __future__ import annotations

from typing import Any

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import NestedField


def missing_value(table: Table, file: DataFile, field: NestedField) -> Any:
    """The value of the file's identity partition, or the column's initial default, or ``None``.

    Days and moments of a partition are numbers, as manifests hold them.
    """
    spec = table.specs().get(file.spec_id)
    for index, part in enumerate(() if spec is None else spec.fields):
        if part.source_id == field.field_id and isinstance(part.transform, IdentityTransform):
            return file.partition[index]
    return field.initial_default
