"""Stored rows are computed again from the recorded inputs; whatever differs is found."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transformer.framework.sampling import chosen
from services.transformer.framework.transform import Transform
from services.transformer.verification.differing import Differing
from services.transformer.verification.verify import Verified, verify
from tests.support.memory_lake import IDENTITY, MemoryLake
from tests.unit.transformer.framework.toys import (
    COMPONENT_CLOSURE,
    EVENTS,
    ITEM_FOLD,
    LINKS,
    TABLES,
    TOTAL_GROUP,
    WINDOW_GROUP,
)

CHAIN: tuple[Transform, ...] = (ITEM_FOLD, TOTAL_GROUP, WINDOW_GROUP, COMPONENT_CLOSURE)
AS_OF = date(2024, 5, 1)
EVERY = pytest.mark.parametrize("transform", CHAIN, ids=lambda each: each.target.name)
ALL = 1000


def events(*rows: tuple[int, int, int]) -> pl.DataFrame:
    """(id, day of May, amount), each later than the one before."""
    return pl.DataFrame(
        [
            {
                "id": id_,
                "day": date(2024, 5, day),
                "amount": amount,
                "changed": number,
                "seen": number,
                "arrived": number,
                "error": None,
            }
            for number, (id_, day, amount) in enumerate(rows)
        ],
        schema_overrides={"error": pl.String},
    )


def built(*rows: tuple[int, int, int], chunk: int = 3) -> MemoryLake:
    lake = MemoryLake(TABLES, chunk=chunk)
    lake.write(EVENTS.name, events(*rows))
    lake.write(LINKS.name, pl.DataFrame({"one": ["a", "b", "x"], "other": ["b", "c", "y"]}))
    for transform in CHAIN:
        lake.build(transform, AS_OF)
    return lake


@pytest.fixture
def lake() -> MemoryLake:
    return built((1, 1, 10), (2, 1, 5), (3, 2, 7), (1, 2, 12), (4, 3, 1))


def tampered(lake: MemoryLake, transform: Transform, rows: pl.DataFrame, gone: pl.Expr) -> None:
    """Rows are exchanged, and nobody says so."""
    table = lake.tables[transform.target.name]
    assert table.head is not None
    identities = table.head.rows.filter(gone)[IDENTITY]
    lake.write(transform.target.name, rows, gone=identities)


def checked(lake: MemoryLake, transform: Transform, number: int = ALL, seed: int = 0) -> Verified:
    return verify(transform, lake, number, seed)


@EVERY
def test_what_was_built_is_what_the_inputs_give(lake: MemoryLake, transform: Transform) -> None:
    found = checked(lake, transform)
    assert (found.differing, found.skipped) == (0, "")
    assert found.rows == lake.tables[transform.target.name].rows.height > 0


@EVERY
def test_inputs_that_moved_on_do_not_matter(lake: MemoryLake, transform: Transform) -> None:
    lake.write(EVENTS.name, events((9, 9, 99), (1, 1, 1)))
    lake.write(LINKS.name, pl.DataFrame({"one": ["c"], "other": ["x"]}))
    lake.compact(transform.target.name)
    assert checked(lake, transform).differing == 0


@EVERY
def test_a_row_that_is_not_stored_is_missing(lake: MemoryLake, transform: Transform) -> None:
    rows = lake.tables[transform.target.name].rows
    key = transform.target.derived.key[0]  # type: ignore[union-attr]
    first = rows.sort(key)[key][0]
    tampered(lake, transform, rows.clear(), pl.col(key) == first)
    found = checked(lake, transform)
    assert found.examples == (Differing({key: str(first)}, "missing"),)


def test_a_row_that_the_inputs_do_not_give_is_surplus(lake: MemoryLake) -> None:
    rows = lake.tables["toys.totals"].rows.head(1).with_columns(day=pl.lit(date(2031, 1, 1)))
    tampered(lake, TOTAL_GROUP, rows, pl.lit(value=False))
    assert checked(lake, TOTAL_GROUP).examples == (Differing({"day": "2031-01-01"}, "surplus"),)


def test_a_row_with_another_value_tells_which_column(lake: MemoryLake) -> None:
    first = pl.col("id") == 1
    rows = lake.tables["toys.items"].rows.filter(first).with_columns(pl.col("amount") + 1)
    tampered(lake, ITEM_FOLD, rows, first)
    found = checked(lake, ITEM_FOLD)
    assert (found.differing, found.examples) == (
        1,
        (Differing({"id": "1"}, "other values", ("amount",)),),
    )


def test_a_value_that_became_null_differs(lake: MemoryLake) -> None:
    first = pl.col("id") == 1
    rows = lake.tables["toys.items"].rows.filter(first).with_columns(day=pl.lit(None, pl.Date))
    tampered(lake, ITEM_FOLD, rows, first)
    assert checked(lake, ITEM_FOLD).examples[0].columns == ("day",)


def test_a_row_that_stands_twice_is_surplus(lake: MemoryLake) -> None:
    rows = lake.tables["toys.items"].rows.filter(pl.col("id") == 2)
    tampered(lake, ITEM_FOLD, rows, pl.lit(value=False))
    assert checked(lake, ITEM_FOLD).examples == (Differing({"id": "2"}, "surplus"),)


def test_stamped_columns_are_not_compared(lake: MemoryLake) -> None:
    rows = lake.tables["toys.items"].rows
    stamped = rows.with_columns(pl.col("staged_at").dt.offset_by("1d"))
    tampered(lake, ITEM_FOLD, stamped, pl.lit(value=True))
    assert checked(lake, ITEM_FOLD).differing == 0


def test_what_cannot_be_compared_says_why(lake: MemoryLake) -> None:
    assert "does not say" in verify(ITEM_FOLD, MemoryLake(TABLES), 1, 0).skipped
    assert "other code" in checked(lake, replace(ITEM_FOLD, version=2)).skipped
    lake.write(EVENTS.name, events((9, 9, 9)))
    lake.expire(EVENTS.name)
    assert "toys.events is not retained" in checked(lake, ITEM_FOLD).skipped


@EVERY
def test_a_seed_always_chooses_the_same_and_no_more_than_asked(transform: Transform) -> None:
    rows = [(number, number % 28 + 1, number) for number in range(200)]
    lake, shuffled = built(*rows, chunk=70), built(*rows, chunk=90)
    found, others = checked(lake, transform, 3, seed=7), checked(shuffled, transform, 3, seed=7)
    assert (found.groups, found.rows, found.differing) == (others.groups, others.rows, 0)
    inputs = len(getattr(transform, "routes", "1"))
    assert 0 < found.groups <= 3 * (1 + inputs)


def test_other_seeds_choose_others() -> None:
    lake = built(*[(number, 1, number) for number in range(200)], chunk=200)
    head = lake.source(EVENTS.name)
    target = lake.target("toys.items").snapshot_id
    assert target is not None
    picked = [
        set(chosen(ITEM_FOLD, {EVENTS.name: head}, lake, target, 3, seed)["id"]) for seed in (1, 2)
    ]
    assert picked[0] != picked[1]


ROWS = st.lists(
    st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(0, 9)), min_size=1, max_size=12
)


@settings(max_examples=20, deadline=None)
@given(ROWS, ROWS)
def test_no_build_is_ever_blamed(
    first: list[tuple[int, int, int]], then: list[tuple[int, int, int]]
) -> None:
    lake = built(*first)
    lake.write(EVENTS.name, events(*then))
    for transform in CHAIN:
        lake.build(transform, AS_OF)
        assert checked(lake, transform).differing == 0
