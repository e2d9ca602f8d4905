"""Which table is built from which: ancestors, descendants, order, and what a name selects.

Read off the declarations alone. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import TopologicalSorter

from shared.tables.spec import TableSpec

EVERYTHING = "all"
"""Names every table that can be meant where a table or a layer is asked for."""

Tables = Mapping[str, TableSpec]


def layer(table: str) -> str:
    """``staging`` of ``staging.stg_shopify_orders``."""
    return table.partition(".")[0]


def reads(spec: TableSpec) -> tuple[str, ...]:
    """The tables that one is built from; none for a landing table."""
    return () if spec.derived is None else spec.derived.reads


def in_order(tables: Tables) -> tuple[str, ...]:
    """All tables, each behind those that it reads: landing tables first, then level by level.

    Raises:
        graphlib.CycleError: tables read one another.
    """
    graph = {name: [r for r in reads(spec) if r in tables] for name, spec in tables.items()}
    return tuple(TopologicalSorter(graph).static_order())


def upstream(name: str, tables: Tables) -> frozenset[str]:
    """Every table that ``name`` is built from, directly or not."""
    return frozenset(_reached([name], lambda each: reads(tables[each]) if each in tables else ()))


def downstream(name: str, tables: Tables) -> frozenset[str]:
    """Every table that is built from ``name``, directly or not."""
    return frozenset(_reached([name], lambda each: readers(each, tables)))


def readers(name: str, tables: Tables) -> tuple[str, ...]:
    """The tables that read this one."""
    return tuple(each.name for each in tables.values() if name in reads(each))


def named(target: str, tables: Tables) -> tuple[TableSpec, ...]:
    """The tables that a table's name, a layer's name or ``all`` means, landing tables first.

    Raises:
        LookupError: none is meant; the message says which names mean some.
    """
    ordered = [tables[name] for name in in_order(tables)]
    found = tuple(spec for spec in ordered if target in (EVERYTHING, spec.name, layer(spec.name)))
    if not found:
        layers = ", ".join(dict.fromkeys(layer(spec.name) for spec in ordered))
        raise LookupError(f"no table and no layer is named {target!r}; layers are: {layers}")
    return found


def selected(target: str, tables: Tables) -> tuple[TableSpec, ...]:
    """The derived tables that a table's name, a layer's name or ``all`` means, in build order.

    Raises:
        LookupError: no derived table is meant; the message says which names mean some.
    """
    ordered = [tables[name] for name in in_order(tables) if tables[name].derived is not None]
    found = tuple(spec for spec in ordered if target in (EVERYTHING, spec.name, layer(spec.name)))
    if not found and target in tables:
        raise LookupError(f"{target} is a landing table: nothing builds it")
    if not found:
        layers = ", ".join(dict.fromkeys(layer(spec.name) for spec in ordered)) or "none"
        raise LookupError(
            f"no derived table and no layer is named {target!r}; layers are: {layers}"
        )
    return found


def selected_by_day(target: str, tables: Tables) -> tuple[TableSpec, ...]:
    """Of :func:`selected` those tables whose rows can be told by their day, in build order.

    What a layer or ``all`` has besides follows from these, as from any change.

    Raises:
        LookupError: none can, or no derived table is meant; the message says why.
    """
    found = selected(target, tables)
    dated = tuple(spec for spec in found if spec.dated is not None)
    if not dated:
        names = ", ".join(spec.name for spec in found)
        raise LookupError(
            f"no column says of which day a row of {names} is, so some days cannot be computed "
            "on their own"
        )
    return dated


def _reached(start: Iterable[str], step: Callable[[str], Iterable[str]]) -> Iterator[str]:
    """What steps lead to, each once, the start left out."""
    seen = set(start)
    waiting = list(seen)
    while waiting:
        for each in step(waiting.pop()):
            if each not in seen:
                seen.add(each)
                waiting.append(each)
                yield each
