"""How a table is built: one of the ways, held against the tables that it names."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from services.transformer.framework.transform.declared import derivation
from services.transformer.framework.transform.fold import Fold
from services.transformer.framework.transform.group import Group
from shared.tables.spec import TableSpec

Transform = Fold | Group
"""How a table is built. A :class:`Closure` is a :class:`Group` of its own kind."""


def check(transform: Transform, tables: Mapping[str, TableSpec]) -> None:
    """Hold a declaration against the tables that it names.

    Raises:
        ValueError: an input or one of its columns does not exist, an expression reads a column
            that is not declared as read, or the table declares other reads.
    """
    name, derived = transform.target.name, derivation(transform.target)
    read = [each.table for each in transform.inputs]
    if set(read) != set(derived.reads) or len(read) != len(derived.reads):
        raise ValueError(
            f"transform of {name} reads {', '.join(read)}; "
            f"the table declares {', '.join(derived.reads)}"
        )
    for each in transform.inputs:
        if each.table not in tables:
            raise ValueError(f"transform of {name} reads {each.table}, which is no table")
        known = {column.name for column in tables[each.table].columns}
        if missing := [column for column in each.columns if column not in known]:
            raise ValueError(f"transform of {name}: {each.table} has no {', '.join(missing)}")
        if len(set(each.columns)) != len(each.columns):
            raise ValueError(f"transform of {name}: a column of {each.table} is read twice")
        expressions = [] if each.where is None else [each.where]
        if isinstance(transform, Fold):
            expressions += transform.by.values()
            dated = [transform.dated]
        else:
            routes = [route for route in transform.routes if route.input.table == each.table]
            expressions += [expression for route in routes for expression in route.by.values()]
            dated = [route.dated for route in routes]
        expressions += [pl.col(column) for column in dated if column is not None]
        used = {column for expression in expressions for column in expression.meta.root_names()}
        if undeclared := sorted(used - set(each.columns)):
            raise ValueError(
                f"transform of {name} uses {', '.join(undeclared)} of {each.table}, "
                "but does not declare to read it"
            )
