"""How derived tables are declared: columns get their field ids in the order they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from shared.tables.spec import Column, Derivation, Partitioning, TableSpec, Type

Declared = tuple[str, Type, str]
"""Name, type and the sentence for the table's page."""


def several(type_: Type, names: str, doc: str = "") -> tuple[Declared, ...]:
    """Columns of one type, named in a text with spaces between."""
    return tuple((name, type_, doc) for name in names.split())


def derived_table(
    name: str,
    doc: str,
    columns: Iterable[Declared],
    derived: Derivation,
    partition_by: Partitioning | None = None,
    *,
    required: frozenset[str] = frozenset(),
    properties: Mapping[str, str] = MappingProxyType({}),
) -> TableSpec:
    """Declare a derived table.

    Args:
        name: logical table name.
        doc: one sentence.
        columns: in order; field ids follow this order, so what is declared later goes to the end.
        derived: how the table follows from others.
        partition_by: how it is partitioned; ``None`` for small tables, where every further file
            of a commit would cost more than it saves.
        required: columns that are never null, beside the stamped ones.
        properties: Iceberg table properties beyond the platform's own.
    """
    never_null = required | set(derived.stamped)
    return TableSpec(
        name=name,
        topics=(),
        columns=tuple(
            Column(column, type_, number, required=column in never_null, doc=sentence)
            for number, (column, type_, sentence) in enumerate(columns, start=1)
        ),
        partition_by=partition_by,
        doc=doc,
        properties=properties,
        derived=derived,
    )
