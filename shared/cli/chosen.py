"""Which tables an argument means."""

from __future__ import annotations

from collections.abc import Mapping

from shared.contracts.days import Days
from shared.runtime.errors import NotFound, Refused
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


def targets(
    target: str, tables: Mapping[str, TableSpec], days: Days | None = None
) -> tuple[TableSpec, ...]:
    """The derived tables that a table's name, a layer's name or ``all`` means, in build order.

    With ``days`` only those whose rows can be told by their day.

    Raises:
        NotFound: it means none.
        Refused: it means some, but no column of theirs says of which day a row is.
    """
    try:
        found = lineage.selected(target, tables)
    except LookupError as error:
        raise NotFound(str(error), "`bergline lineage` shows what is built from what") from None
    if days is None:
        return found
    try:
        return lineage.selected_by_day(target, tables)
    except LookupError as error:
        raise Refused(str(error), "refresh it without --from and --to") from None


def any_tables(target: str, tables: Mapping[str, TableSpec]) -> tuple[TableSpec, ...]:
    """The tables that a table's name, a layer's name or ``all`` means, landing tables first.

    Raises:
        NotFound: it means none.
    """
    try:
        return lineage.named(target, tables)
    except LookupError as error:
        raise NotFound(str(error), "`bergline tables list` shows all tables") from None
