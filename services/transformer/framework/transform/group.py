"""A table whose rows depend on the input rows of their group, or of groups that it reaches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import polars as pl

from services.transformer.framework.transform.declared import of_kind, require_day
from services.transformer.framework.transform.inputs import Context, Frames, Input
from services.transformer.framework.transform.route import Route
from shared.tables.spec import Kind, TableSpec

Build = Callable[[Frames, date | None], pl.DataFrame]
"""(all input rows of some groups, ``as_of`` of a ticked table or ``None``) → the rows of those
groups. Columns: the target's without its stamped ones."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that depend on nothing but the input rows of their group.

    Attributes:
        target: the table.
        group: columns of its key that name a group.
        routes: one or more per input. Rows that several routes of an input find are given once.
        build: all input rows of some groups → the rows of those groups. Rows of other groups in
            its result are dropped.
        bound: input rows that a group may have at most. A build above it warns; tests fail.
        version, context: as of a :class:`Fold`.
    """

    kind: ClassVar[Kind] = Kind.GROUP

    target: TableSpec
    group: tuple[str, ...]
    routes: tuple[Route, ...]
    build: Build
    bound: int
    version: int = 1
    context: Context | None = None

    def __post_init__(self) -> None:
        derived, name = of_kind(self.target, self.kind), self.target.name
        if not self.group or not set(self.group) <= set(derived.key):
            raise ValueError(f"transform of {name}: the group is no part of the key")
        if not self.routes:
            raise ValueError(f"transform of {name}: no route leads to a group")
        for route in self.routes:
            require_day(self.target, route.dated)
            if route.touches is None and set(route.by) != set(self.group):
                raise ValueError(
                    f"transform of {name}: the route over {route.input.table} names "
                    f"{', '.join(sorted(route.by))}, the group is {', '.join(self.group)}"
                )
            if sum(other.input.table == route.input.table for other in self.routes) > 1:
                if any(
                    other.input.table == route.input.table and other.input is not route.input
                    for other in self.routes
                ):
                    raise ValueError(
                        f"transform of {name}: routes over {route.input.table} share one Input"
                    )
                if route.whole:
                    raise ValueError(
                        f"transform of {name}: {route.input.table} is reached by several routes, "
                        "so no row is a whole group"
                    )
        if self.bound < 1:
            raise ValueError(f"transform of {name}: a group is bounded by at least one row")

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What it reads, each once."""
        return tuple({route.input.table: route.input for route in self.routes}.values())


@dataclass(frozen=True, slots=True)
class Closure(Group):
    """Groups that reach each other: routes followed until nothing new is touched.

    The input rows of a touched group touch, by all their routes, further groups, whose rows touch
    further ones. What ends up touched is computed together, so a group's rows may depend on every
    row that is reachable from it: members of a component, ancestors of a node. ``bound`` bounds the
    input rows of one group, as ever, not of what it reaches.
    """

    kind: ClassVar[Kind] = Kind.CLOSURE
