"""What a declaration must say, and what is refused when it is made or registered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from graphlib import CycleError

import polars as pl
import pytest

from services.transformer.framework.registry import collect
from services.transformer.framework.transform import Fold, Group, Input, Route, check
from shared.tables.spec import Derivation, Kind
from tests.unit.transformer.framework import toys

FOLD, GROUP = toys.ITEM_FOLD, toys.TOTAL_GROUP
ROUTE = GROUP.routes[0]


def test_the_toys_are_declared_well() -> None:
    collect(toys.TRANSFORMS, toys.TABLES)


@pytest.mark.parametrize(
    ("declare", "complaint"),
    [
        (lambda: replace(FOLD, target=toys.TOTALS), "a fold, but declared as group"),
        (lambda: replace(FOLD, target=toys.EVENTS), "not declared as derived"),
        (lambda: replace(FOLD, latest=()), "nothing says which candidate is the latest"),
        (lambda: replace(FOLD, latest=("arrived",)), "latest names arrived"),
        (lambda: replace(FOLD, latest=("staged_at",)), "latest names staged_at"),
        (lambda: replace(FOLD, maxima=("changed",)), "cannot be part of the key, of the order"),
        (lambda: replace(FOLD, maxima=("first_seen",)), "or fold twice"),
        (lambda: replace(FOLD, by={"day": pl.col("day")}), "other columns than the key"),
        (lambda: replace(GROUP, group=("items",)), "no part of the key"),
        (lambda: replace(GROUP, routes=()), "no route leads to a group"),
        (lambda: replace(GROUP, bound=0), "bounded by at least one row"),
        (
            lambda: replace(GROUP, routes=(replace(ROUTE, by={"id": pl.col("id")}),)),
            "names id, the group is day",
        ),
        (lambda: replace(ROUTE, touches=lambda rows: rows), "stated together"),
        (
            lambda: replace(toys.WINDOW_GROUP.routes[0], dated="day"),
            "leads to other days than its rows'",
        ),
        (lambda: replace(FOLD, target=toys.UNDATED_ITEMS), "does not say which of its columns"),
        (
            lambda: replace(ROUTE, touches=lambda rows: rows, needs=lambda rows: rows, whole=True),
            "a window is no whole group",
        ),
        (
            lambda: replace(GROUP, routes=(replace(ROUTE, whole=True), ROUTE)),
            "no row is a whole group",
        ),
        (
            lambda: replace(
                GROUP, routes=(ROUTE, replace(ROUTE, input=Input(toys.ITEMS.name, ("day",))))
            ),
            "share one Input",
        ),
    ],
)
def test_a_declaration_that_cannot_hold_is_refused(
    declare: Callable[[], object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        declare()


def _reading(source: Input) -> Fold:
    return replace(FOLD, source=source, by={}, dated=None)


@pytest.mark.parametrize(
    ("transform", "complaint"),
    [
        (_reading(Input(toys.LINKS.name, ("one",))), r"the table declares toys\.events"),
        (_reading(Input(toys.EVENTS.name, ("ident",))), "has no ident"),
        (_reading(Input(toys.EVENTS.name, ("id", "id"))), "is read twice"),
        (
            _reading(Input(toys.EVENTS.name, ("id",), pl.col("error").is_null())),
            "uses error of toys.events",
        ),
        (
            replace(FOLD, source=Input(toys.EVENTS.name, ("day",))),
            "uses id of toys.events",
        ),
        (replace(FOLD, dated="arrived"), "uses arrived of toys.events"),
        (
            Group(
                toys.TOTALS,
                ("day",),
                (Route(Input(toys.ITEMS.name, ("id",)), {"day": pl.col("day")}),),
                toys.totals,
                bound=1,
            ),
            "uses day of toys.items",
        ),
    ],
)
def test_what_does_not_fit_the_tables_is_refused(transform: Fold | Group, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        check(transform, toys.TABLES)


def test_a_transform_builds_the_registered_table() -> None:
    other = replace(toys.ITEMS, doc="Another declaration under the same name.")
    with pytest.raises(ValueError, match="the registered table is another one"):
        collect({toys.ITEMS.name: FOLD}, {**toys.TABLES, toys.ITEMS.name: other})


def test_tables_that_read_one_another_are_refused() -> None:
    ring = replace(toys.ITEMS, derived=Derivation(Kind.FOLD, (toys.WINDOWS.name,), ("id",)))
    with pytest.raises(CycleError):
        collect({}, {**toys.TABLES, toys.ITEMS.name: ring})
