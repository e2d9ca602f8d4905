"""How a derived table is declared: one pure function, what it reads, how a change finds its way.

A module of ``services/transformer/transforms`` defines one function on polars frames and one
constant ``TRANSFORM``. The function knows no table, no clock and no snapshot, and it is the only
code that computes the table: an incremental build gives it few rows, a full build all of them.
That both end in the same table is what the declaration promises, and what
``tests/properties/test_laws.py`` holds it to.

Frames have the columns that the input declares, in that order, with the types that
:mod:`services.transformer.framework.frames` names. The order of rows means nothing. Null is a value
like any other, in keys and in groups, too; who wants rows without it excluded says so in ``where``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, ClassVar

import polars as pl

from shared.tables.spec import Derivation, Kind, TableSpec

Frames = Mapping[str, pl.DataFrame]
"""Rows of each input by its logical table name."""

Stage = Callable[[pl.DataFrame], pl.DataFrame]
"""Rows of the source → candidate rows of the target, each from one source row alone; none, one or
several a row. Columns: the target's without its stamped ones."""

Build = Callable[[Frames, date | None], pl.DataFrame]
"""(all input rows of some groups, ``as_of`` of a ticked table or ``None``) → the rows of those
groups. Columns: the target's without its stamped ones."""

Context = Callable[[], str]
"""A text that stands for whatever a function's rows depend on besides its inputs and its code; it
is recorded with them, so that another one leads to a full build. A fingerprint, no secret."""

Bounds = Mapping[str, tuple[Any, Any]]
"""Stored column → (smallest, greatest) value that is wanted, both included."""


@dataclass(frozen=True, slots=True)
class Input:
    """A table that is read.

    Attributes:
        table: its logical name.
        columns: what is read of it, ``where`` included.
        where: rows that count; the others are as if they were not there.
    """

    table: str
    columns: tuple[str, ...]
    where: pl.Expr | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """How rows of an input and groups of the target find each other.

    Attributes:
        input: the table that is read.
        by: group column → expression over the input's columns. A changed row touches the group
            that the expressions name, in its old and in its new version; and the rows of a group
            are those for which the expressions name it. A plain ``pl.col`` lets the read skip
            files and row groups by their bounds.
        touches: for rows that touch several groups, as in windows: rows → groups, a frame of the
            group columns. Then ``needs`` is stated, too, and ``by`` names the keys that it gives.
        needs: groups → keys of the rows that they need, a frame of the columns of ``by``.
        bounds: groups → bounds on stored columns, where ``by`` computes and so cannot skip files.
            It may let through too much, never too little.
        whole: the group columns are a unique key of the input, so an added row is its whole group
            and is not read again.
        dated: column of the input that has the day of the target's rows: every row of the target
            is of a group that an input row of its day leads to. So a refresh of some days reads
            the input's rows of those days. Without it, and where the target's day is no part of
            the group either, such a refresh looks at all rows of the input.
    """

    input: Input
    by: Mapping[str, pl.Expr]
    touches: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    needs: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    bounds: Callable[[pl.DataFrame], Bounds] | None = None
    whole: bool = False
    dated: str | None = None

    def __post_init__(self) -> None:
        table = self.input.table
        if (self.touches is None) != (self.needs is None):
            raise ValueError(f"route over {table}: touches and needs are stated together")
        if self.whole and self.touches is not None:
            raise ValueError(f"route over {table}: a window is no whole group")
        if self.touches is not None and self.dated is not None:
            raise ValueError(f"route over {table}: a window leads to other days than its rows'")


def derivation(target: TableSpec) -> Derivation:
    """How the table is declared to follow from others.

    Raises:
        ValueError: it is not declared so.
    """
    if target.derived is None:
        raise ValueError(f"transform of {target.name}: the table is not declared as derived")
    return target.derived


def _of_kind(target: TableSpec, kind: Kind) -> Derivation:
    derived = derivation(target)
    if derived.kind is not kind:
        raise ValueError(f"transform of {target.name}: a {kind}, but declared as {derived.kind}")
    if not derived.key:
        raise ValueError(f"transform of {target.name}: the table declares no key")
    return derived


def _dated(target: TableSpec, column: str | None) -> None:
    if column is not None and target.dated is None:
        raise ValueError(
            f"transform of {target.name}: {column} has the day of its rows, but the table does "
            "not say which of its columns has it"
        )


def _named(target: TableSpec, what: str, names: tuple[str, ...]) -> None:
    known = {column.name for column in target.columns} - set(derivation(target).stamped)
    if missing := [name for name in names if name not in known]:
        raise ValueError(
            f"transform of {target.name}: {what} names {', '.join(missing)}, "
            "which is no column of the table or a stamped one"
        )


@dataclass(frozen=True, slots=True)
class Fold:
    """One row per key, folded from all source rows of that key.

    Of a key's candidates the greatest by ``latest`` wins, whole; where they tie, the remaining
    columns decide, so the winner is the same in whatever order rows arrive.

    Attributes:
        target: the table; its key is the fold's key.
        source: what is folded.
        stage: rows of the source → candidates.
        latest: columns of the target that order candidates, compared one after the other, null
            smallest. Arrival (offsets, load time) is no order: partitions cannot be compared.
        maxima, minima: columns that fold by themselves over all candidates of the key, null
            ignored: the time of a tombstone, when something was first seen.
        by: key column → expression over the source's columns; with it the rows of a key are found
            again by key after source rows were removed. Without it the whole source is read then.
        dated: column of the source from which the target's day comes unchanged. With it, and
            ``by``, a refresh of some days reads the source's rows of those days and of the keys
            found there; otherwise all.
        version: raised when the result changes though no code does.
        context: what else rows depend on, such as the key that tokens are made with.
    """

    kind: ClassVar[Kind] = Kind.FOLD

    target: TableSpec
    source: Input
    stage: Stage
    latest: tuple[str, ...]
    maxima: tuple[str, ...] = ()
    minima: tuple[str, ...] = ()
    by: Mapping[str, pl.Expr] = field(default_factory=lambda: MappingProxyType({}))
    dated: str | None = None
    version: int = 1
    context: Context | None = None

    def __post_init__(self) -> None:
        derived, name = _of_kind(self.target, Kind.FOLD), self.target.name
        if not self.latest:
            raise ValueError(f"transform of {name}: nothing says which candidate is the latest")
        alone = (*self.maxima, *self.minima)
        _named(self.target, "latest", self.latest)
        _named(self.target, "maxima and minima", alone)
        if len(set(alone)) != len(alone) or set(alone) & {*self.latest, *derived.key}:
            raise ValueError(
                f"transform of {name}: a column that folds by itself cannot be part of the key, "
                "of the order, or fold twice"
            )
        if self.by and set(self.by) != set(derived.key):
            raise ValueError(f"transform of {name}: by names other columns than the key")
        _dated(self.target, self.dated)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What it reads."""
        return (self.source,)


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
        derived, name = _of_kind(self.target, self.kind), self.target.name
        if not self.group or not set(self.group) <= set(derived.key):
            raise ValueError(f"transform of {name}: the group is no part of the key")
        if not self.routes:
            raise ValueError(f"transform of {name}: no route leads to a group")
        for route in self.routes:
            _dated(self.target, route.dated)
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
