"""A full build that holds little ends where one ends that holds everything; every table does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from services.transformer import tokens
from services.transformer.framework import full
from services.transformer.framework.build import Result, compute
from services.transformer.framework.plan import Full, Nothing, plan
from services.transformer.framework.registry import TRANSFORMS
from services.transformer.framework.room import Room
from services.transformer.framework.transform import Transform, derivation
from shared.tables.registry import TABLES
from shared.tables.spec import TableSpec
from tests.properties.histories import FIRST_DAY, TOKEN_KEY, World, of_one
from tests.support.memory_lake import IDENTITY, NOW, all_added
from tests.unit.transformer.framework import toys

ALL: Mapping[str, Transform] = {**toys.TRANSFORMS, **TRANSFORMS}
SPECS: Mapping[str, TableSpec] = {**toys.TABLES, **TABLES}
SHARES = st.integers(1, 3)
SEEDS = st.integers(0, 2**16)


@pytest.fixture(autouse=True, scope="module")
def _token_key() -> None:
    tokens.use(TOKEN_KEY)


def world_of(name: str, seed: int) -> World:
    world = of_one(ALL[name], SPECS, Random(seed))
    for _ in range(world.random.randint(1, 6)):
        for table in world.written:
            world.arrive(table)
            world.vary(table)
    return world


def full_plan(world: World, transform: Transform) -> Full:
    todo = plan(transform, world.lake, world.lake.topics, FIRST_DAY, full="asked for")
    assert isinstance(todo, Full)
    return todo


def tight(world: World, share: int, directory: str) -> Room:
    """Room for a part of what is read: that makes a few buckets."""
    size = sum(world.lake.tables[table].rows.estimated_size() for table in world.tables)
    return Room(max(64, int(size) // share), lambda: Path(directory))


def same(one: Result, other: Result) -> None:
    assert_frame_equal(all_added(one), all_added(other), check_row_order=False)
    assert_frame_equal(one.deleted, other.deleted, check_row_order=False)
    for what in ("replaces", "removed", "groups", "largest", "unchanged", "added"):
        assert getattr(one, what) == getattr(other, what), what


@pytest.mark.parametrize("name", ALL)
@given(seed=SEEDS, share=SHARES, step=st.integers(1, 4))
@settings(max_examples=6, deadline=None)
def test_a_first_build_in_buckets_is_the_one_that_holds_everything(
    name: str, seed: int, share: int, step: int
) -> None:
    world = world_of(name, seed)
    todo = full_plan(world, ALL[name])
    whole = compute(ALL[name], todo, world.lake, NOW)
    with TemporaryDirectory() as directory, patch.object(full, "SLICE_ROWS", step):
        room = tight(world, share, directory)
        same(compute(ALL[name], todo, world.lake, NOW, room), whole)


@pytest.mark.parametrize("name", ALL)
@given(seed=SEEDS, share=SHARES, gone=st.integers(0, 100))
@settings(max_examples=6, deadline=None)
def test_so_is_a_build_over_rows_that_are_there_wrong_or_missing(
    name: str, seed: int, share: int, gone: int
) -> None:
    world = world_of(name, seed)
    world.wave()
    head = world.lake.tables[name].head
    assert head is not None
    some = head.rows.sample(head.rows.height * gone // 100, seed=seed)
    column = next(
        each
        for each in reversed(some.columns)
        if each not in (*derivation(ALL[name].target).stamped, IDENTITY, "_file", "_pos")
    )
    other = pl.lit(None).cast(some[column].dtype).alias(column)
    wrong = some.head(some.height // 2).with_columns(other)
    world.lake.write(name, wrong, gone=some[IDENTITY], foreign=1)
    todo = full_plan(world, ALL[name])
    whole = compute(ALL[name], todo, world.lake, NOW)
    with TemporaryDirectory() as directory:
        room = tight(world, share, directory)
        found = compute(ALL[name], todo, world.lake, NOW, room)
        same(found, whole)
        world.lake.commit(ALL[name], found)
    assert_frame_equal(
        world.lake.tables[name].rows.drop(derivation(ALL[name].target).stamped),
        world.lake.rebuilt(ALL[name], FIRST_DAY).drop(derivation(ALL[name].target).stamped),
        check_row_order=False,
    )


@pytest.mark.parametrize(
    "name", [name for name, each in ALL.items() if derivation(each.target).ticked]
)
@given(seed=SEEDS)
@settings(max_examples=4, deadline=None)
def test_so_is_a_tick(name: str, seed: int) -> None:
    world = world_of(name, seed)
    world.wave()
    todo = world.lake.plan(ALL[name], FIRST_DAY + timedelta(days=1))
    assert not isinstance(todo, Nothing)
    with TemporaryDirectory() as directory:
        room = tight(world, 3, directory)
        same(
            compute(ALL[name], todo, world.lake, NOW, room),
            compute(ALL[name], todo, world.lake, NOW),
        )
