"""By which columns the rows of a table lie together, found by field id in its present schema."""

from __future__ import annotations

from pyiceberg.table import Table
from pyiceberg.types import NestedField

from shared.tables.spec import TableSpec


def declared_order(table: Table, spec: TableSpec) -> list[NestedField]:
    """The columns that a derived table is sorted by, up to one that it does not have any more.

    None for a landing table: its rows lie in the order in which they came.
    """
    found: list[NestedField] = []
    for name in () if spec.derived is None else spec.derived.sort:
        field = _present(table, spec, name)
        if field is None:
            break
        found.append(field)
    return found


def neighbours(table: Table, spec: TableSpec) -> NestedField | None:
    """The column by which files are neighbours: the first of the order, or that of the partitions.

    Of a landing table that is when rows were landed: a file that holds rows of long ago has a high
    sequence number when it was written anew.
    """
    ordered = declared_order(table, spec)
    if ordered or spec.derived is not None:
        return ordered[0] if ordered else None
    return None if spec.partition_by is None else _present(table, spec, spec.partition_by.column)


def _present(table: Table, spec: TableSpec, name: str) -> NestedField | None:
    wanted = spec.column(name).field_id
    return next((each for each in table.schema().fields if each.field_id == wanted), None)
