"""What the table's own declaration says, and a transform must agree with."""

from __future__ import annotations

from shared.tables.spec import Derivation, Kind, TableSpec


def derivation(target: TableSpec) -> Derivation:
    """How the table is declared to follow from others.

    Raises:
        ValueError: it is not declared so.
    """
    if target.derived is None:
        raise ValueError(f"transform of {target.name}: the table is not declared as derived")
    return target.derived


def of_kind(target: TableSpec, kind: Kind) -> Derivation:
    """The table's derivation.

    Raises:
        ValueError: it is declared as of another kind, or without a key.
    """
    derived = derivation(target)
    if derived.kind is not kind:
        raise ValueError(f"transform of {target.name}: a {kind}, but declared as {derived.kind}")
    if not derived.key:
        raise ValueError(f"transform of {target.name}: the table declares no key")
    return derived


def require_day(target: TableSpec, column: str | None) -> None:
    """Hold a column with the day of the rows against the table.

    Raises:
        ValueError: the table does not say which of its columns has the day.
    """
    if column is not None and target.dated is None:
        raise ValueError(
            f"transform of {target.name}: {column} has the day of its rows, but the table does "
            "not say which of its columns has it"
        )


def require_columns(target: TableSpec, what: str, names: tuple[str, ...]) -> None:
    """Hold columns that a transform names against the table.

    Raises:
        ValueError: one is no column of the table, or stamped.
    """
    known = {column.name for column in target.columns} - set(derivation(target).stamped)
    if missing := [name for name in names if name not in known]:
        raise ValueError(
            f"transform of {target.name}: {what} names {', '.join(missing)}, "
            "which is no column of the table or a stamped one"
        )
