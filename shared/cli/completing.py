"""What the shell offers for an argument that names a table."""

from __future__ import annotations


def any_table(incomplete: str) -> list[str]:
    """Every table whose name begins so."""
    from shared.tables.registry import TABLES

    return [name for name in TABLES if name.startswith(incomplete)]


def landing_table(incomplete: str) -> list[str]:
    """Landing tables whose names begin so."""
    from shared.tables.registry import landing_tables

    return [spec.name for spec in landing_tables() if spec.name.startswith(incomplete)]


def derived_table(incomplete: str) -> list[str]:
    """Derived tables whose names begin so."""
    from shared.tables.registry import derived_tables

    return [spec.name for spec in derived_tables() if spec.name.startswith(incomplete)]


def any_target(incomplete: str) -> list[str]:
    """Every table, every layer, and \"all\"."""
    from shared.tables.lineage import EVERYTHING, layer
    from shared.tables.registry import TABLES

    offered = [*TABLES, *dict.fromkeys(map(layer, TABLES)), EVERYTHING]
    return [name for name in offered if name.startswith(incomplete)]


def target(incomplete: str) -> list[str]:
    """Derived tables, their layers, and \"all\"."""
    from shared.tables.lineage import EVERYTHING, layer
    from shared.tables.registry import derived_tables

    names = [spec.name for spec in derived_tables()]
    offered = [*names, *dict.fromkeys(map(layer, names)), EVERYTHING]
    return [name for name in offered if name.startswith(incomplete)]
