"""A small family of tables: a landing one and what is built from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.tables.spec import Column, Derivation, Kind, TableSpec, Type

ORDERS_TOPIC = "shop.orders"


def landing(name: str, topic: str) -> TableSpec:
    """A landing table of the fewest columns."""
    columns = (
        Column("_topic", Type.STRING, 1, required=True),
        Column("_partition", Type.INT, 2, required=True),
        Column("_offset", Type.LONG, 3, required=True),
        Column("id", Type.STRING, 4),
    )
    return TableSpec(name, (topic,), columns, None, "Landed.")


def derived(
    name: str, reads: Iterable[str], kind: Kind = Kind.GROUP, *, ticked: bool = False
) -> TableSpec:
    """A derived table with the key ``id`` and one value."""
    columns = (
        Column("id", Type.STRING, 1, required=True),
        Column("amount", Type.DECIMAL_18_2, 2),
        Column("_built_at", Type.TIMESTAMP, 3),
    )
    how = Derivation(kind, tuple(reads), ("id",), ("id",), stamped=("_built_at",), ticked=ticked)
    return TableSpec(name, (), columns, None, "Derived.", derived=how)


def family() -> Mapping[str, TableSpec]:
    """Two landing tables, and a diamond of derived ones; declared out of order."""
    specs = (
        derived("marts.daily", ["analytics.summary", "metadata.partials"], ticked=True),
        derived("analytics.summary", ["core.orders"]),
        derived("metadata.partials", ["core.orders"]),
        derived("core.orders", ["staging.orders", "staging.customers"]),
        derived("staging.orders", ["raw.orders"], Kind.FOLD),
        derived("staging.customers", ["raw.customers"], Kind.FOLD),
        landing("raw.orders", ORDERS_TOPIC),
        landing("raw.customers", "shop.customers"),
    )
    return {spec.name: spec for spec in specs}
