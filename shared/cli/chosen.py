"""Which tables an argument means."""

from __future__ import annotations

from collections.abc import Mapping

from shared.runtime.errors import NotFound
from shared.tables import lineage
from shared.tables.spec import TableSpec


def declared(name: str, tables: Mapping[str, TableSpec]) -> TableSpec:
    """The declaration of a table.

    Raises:
        NotFound: none is declared under that name.
    """
    if name not in tables:
        raise NotFound(f"no table is named {name!r}", f"tables are: {', '.join(sorted(tables))}")
    return tables[name]


def targets(target: str, tables: Mapping[str, TableSpec]) -> tuple[TableSpec, ...]:
    """The derived tables that a table's name, a layer's name or ``all`` means, in build order.

    Raises:
        NotFound: it means none.
    """
    try:
        return lineage.selected(target, tables)
    except LookupError as error:
        raise NotFound(str(error), "`bergline lineage` shows what is built from what") from None
