"""Small tables of every kind, and how they are built.

``toys.events`` (landing) → ``toys.items`` (fold) → ``toys.totals`` (group) → ``toys.windows``
(group with a window, ticked); ``toys.links`` (landing) → ``toys.components`` (closure).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from services.transformer.framework.transform import (
    Closure,
    Fold,
    Frames,
    Group,
    Input,
    Route,
    Transform,
)
from shared.tables.spec import Column, Derivation, Kind, TableSpec, Type


def table(
    name: str, columns: str, derived: Derivation | None = None, topics: tuple[str, ...] = ()
) -> TableSpec:
    """A table of columns written as ``name:TYPE``."""
    pairs = [each.split(":") for each in columns.split()]
    return TableSpec(
        name,
        topics,
        tuple(Column(n, Type[t], i) for i, (n, t) in enumerate(pairs, 1)),
        None,
        "A toy.",
        derived=derived,
    )


EVENTS = table(
    "toys.events",
    "id:LONG day:DATE amount:LONG changed:LONG seen:LONG arrived:LONG error:STRING",
    topics=("toys.events",),
)
ITEMS = table(
    "toys.items",
    "id:LONG day:DATE amount:LONG changed:LONG first_seen:LONG last_seen:LONG staged_at:TIMESTAMP",
    Derivation(Kind.FOLD, (EVENTS.name,), ("id",), stamped=("staged_at",), dated="day"),
)
UNDATED_ITEMS = replace(ITEMS, derived=Derivation(Kind.FOLD, (EVENTS.name,), ("id",)))
TOTALS = table(
    "toys.totals",
    "day:DATE items:INT amount:LONG",
    Derivation(Kind.GROUP, (ITEMS.name,), ("day",), dated="day"),
)
WINDOWS = table(
    "toys.windows",
    "day:DATE amount:LONG age:INT",
    Derivation(Kind.GROUP, (TOTALS.name,), ("day",), ticked=True, dated="day"),
)
LINKS = table("toys.links", "one:STRING other:STRING", topics=("toys.links",))
COMPONENTS = table(
    "toys.components",
    "node:STRING component:STRING",
    Derivation(Kind.CLOSURE, (LINKS.name,), ("node",)),
)

TABLES = {spec.name: spec for spec in (EVENTS, ITEMS, TOTALS, WINDOWS, LINKS, COMPONENTS)}


def items(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        "id", "day", "amount", "changed", first_seen=pl.col("seen"), last_seen=pl.col("seen")
    )


def totals(frames: Frames, as_of: date | None) -> pl.DataFrame:
    rows = frames[ITEMS.name]
    return rows.group_by("day").agg(items=pl.len().cast(pl.Int32), amount=pl.col("amount").sum())


SPAN = 3
"""Days of a window."""


def _days(rows: pl.DataFrame, offsets: range) -> pl.DataFrame:
    return pl.concat(
        [pl.DataFrame(schema={"day": pl.Date})]
        + [rows.select(pl.col("day") + timedelta(days=offset)) for offset in offsets]
    ).unique()


def windows(frames: Frames, as_of: date | None) -> pl.DataFrame:
    """Of each day that has a total: the amount of the days of its window."""
    rows = frames[TOTALS.name]
    shifted = pl.concat(
        [rows.with_columns(pl.col("day") + timedelta(days=offset)) for offset in range(SPAN)]
    )
    return (
        shifted.join(rows.select("day"), on="day", how="semi", nulls_equal=True)
        .group_by("day")
        .agg(pl.col("amount").sum())
        .with_columns(age=(pl.lit(as_of) - pl.col("day")).dt.total_days())
    )


def components(frames: Frames, as_of: date | None) -> pl.DataFrame:
    """Each node, and the smallest node that it is linked with, directly or not."""
    links = frames[LINKS.name].drop_nulls()
    both = pl.concat([links, links.select(one="other", other="one")]).unique()
    found = both.select(node=pl.col("one"), component=pl.col("one")).unique()
    while True:
        nearer = (
            both.join(found, left_on="other", right_on="node")
            .select(node="one", component="component")
            .vstack(found)
            .group_by("node")
            .agg(pl.col("component").min())
        )
        if nearer.sort("node").equals(found.sort("node")):
            return found
        found = nearer


ITEM_FOLD = Fold(
    ITEMS,
    Input(
        EVENTS.name,
        ("id", "day", "amount", "changed", "seen", "error"),
        pl.col("error").is_null() & pl.col("id").is_not_null(),
    ),
    items,
    latest=("changed",),
    minima=("first_seen",),
    maxima=("last_seen",),
    by={"id": pl.col("id")},
    dated="day",
)
TOTAL_GROUP = Group(
    TOTALS,
    ("day",),
    (Route(Input(ITEMS.name, ("id", "day", "amount")), {"day": pl.col("day")}),),
    totals,
    bound=100,
)
WINDOW_GROUP = Group(
    WINDOWS,
    ("day",),
    (
        Route(
            Input(TOTALS.name, ("day", "amount")),
            {"day": pl.col("day")},
            touches=lambda rows: _days(rows, range(SPAN)),
            needs=lambda groups: _days(groups, range(1 - SPAN, 1)),
        ),
    ),
    windows,
    bound=100,
)
_LINK = Input(LINKS.name, ("one", "other"), pl.col("one").is_not_null())
COMPONENT_CLOSURE = Closure(
    COMPONENTS,
    ("node",),
    (Route(_LINK, {"node": pl.col("one")}), Route(_LINK, {"node": pl.col("other")})),
    components,
    bound=100,
)

TRANSFORMS: dict[str, Transform] = {
    each.target.name: each for each in (ITEM_FOLD, TOTAL_GROUP, WINDOW_GROUP, COMPONENT_CLOSURE)
}
"""In build order."""
