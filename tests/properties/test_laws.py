"""Laws of every derived table, registered ones and toys: incremental equals full.

Rows come from :mod:`tests.support.input_rows`, where a table's values are refined; what happens to
tables is in :mod:`tests.properties.histories`.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from services.transformer import tokens
from services.transformer.framework.build import compute
from services.transformer.framework.folding import candidates, fold, fold_chunks
from services.transformer.framework.frames import computed, conform, union, within, without
from services.transformer.framework.plan import Nothing
from services.transformer.framework.registry import TRANSFORMS
from services.transformer.framework.routing import counted
from services.transformer.framework.transform import Fold, Group, Transform, derivation
from shared.tables.registry import TABLES
from shared.tables.spec import Kind, TableSpec
from tests.properties.histories import ACTS, FIRST_DAY, TOKEN_KEY, of_one
from tests.support.input_rows import random_rows
from tests.support.memory_lake import IDENTITY, NOW
from tests.unit.transformer.framework import toys

ALL: Mapping[str, Transform] = {**toys.TRANSFORMS, **TRANSFORMS}
SPECS: Mapping[str, TableSpec] = {**toys.TABLES, **TABLES}
FOLDS = {name: each for name, each in ALL.items() if isinstance(each, Fold)}
GROUPS = {name: each for name, each in ALL.items() if isinstance(each, Group)}

HISTORIES = st.lists(
    st.tuples(
        st.sampled_from([act for act, (weight, _) in ACTS.items() for _ in range(weight)]),
        st.integers(0, 2**16),
    ),
    max_size=14,
)
SEEDS = st.integers(0, 2**16)


@pytest.fixture(autouse=True, scope="module")
def _token_key() -> None:
    tokens.use(TOKEN_KEY)


def test_every_derived_table_is_built() -> None:
    declared = {
        name
        for name, spec in TABLES.items()
        if spec.derived is not None and spec.derived.kind is not Kind.LOG
    }
    assert set(TRANSFORMS) == declared


@pytest.mark.parametrize("name", ALL)
@given(history=HISTORIES)
@settings(max_examples=12, deadline=None)
def test_whatever_happens_to_its_inputs_a_table_equals_a_full_build(
    name: str, history: list[tuple[str, int]]
) -> None:
    """Any split, order, repetition, lateness, correction, deletion and rollback, compaction and
    thinning, ticks, crashes and late builders."""
    world = of_one(ALL[name], SPECS, Random(0))
    world.play(history)
    world.verify()


@pytest.mark.parametrize("name", ALL)
@given(seed=SEEDS)
@settings(max_examples=5, deadline=None)
def test_building_again_changes_no_row(name: str, seed: int) -> None:
    world = of_one(ALL[name], SPECS, Random(seed))
    for table in world.written:
        world.arrive(table)
    world.wave()
    transform = ALL[name]
    assert isinstance(world.lake.plan(transform, FIRST_DAY), Nothing)
    world.change_code(name)
    todo = world.lake.plan(world.transforms[name], FIRST_DAY)
    assert not isinstance(todo, Nothing)
    assert compute(world.transforms[name], todo, world.lake, NOW).unchanged


DATED = [name for name, each in ALL.items() if each.target.dated is not None]


@pytest.mark.parametrize("name", DATED)
@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_a_refresh_of_some_days_mends_them_and_leaves_the_others_alone(
    name: str, seed: int
) -> None:
    """Whatever is wrong in a table, afterwards rows that are of these days, as they are stored or
    as they should be, are as a full build gives them, and all others are where they were."""
    world = of_one(ALL[name], SPECS, Random(seed))
    for _ in range(3):
        for table in world.written:
            world.arrive(table)
    world.wave()
    for _ in range(world.random.randint(1, 3)):
        world.damage(name)
    spec, days = ALL[name].target, world.some_days()
    before = world.lake.tables[name].head
    assert before is not None
    world.refresh(name, days)
    after = world.lake.tables[name].head
    assert after is not None
    key, names, of_days = list(derivation(spec).key), list(computed(spec)), world.of(spec, days)
    right = world.lake.rebuilt(ALL[name], world.as_of).select(names)
    keys = union([each.filter(of_days).select(key) for each in (before.rows, right)]).unique()
    others = without(before.rows, keys)
    same(after.rows.select(names), union([within(right, keys), others.select(names)]))
    assert set(others[IDENTITY]) <= set(after.rows[IDENTITY])


@pytest.mark.parametrize("name", DATED)
@given(history=HISTORIES, seed=SEEDS)
@settings(max_examples=3, deadline=None)
def test_what_changed_meanwhile_comes_with_a_refresh_of_some_days(
    name: str, history: list[tuple[str, int]], seed: int
) -> None:
    world = of_one(ALL[name], SPECS, Random(seed))
    world.play(history)
    for table in world.written:
        world.arrive(table)
        world.vary(table)
    world.refresh(name, world.some_days())
    world.verify()


def _source_rows(transform: Fold, seed: int, height: int) -> pl.DataFrame:
    source = transform.source
    random = Random(seed)
    rows = random_rows(SPECS[source.table], random, height, source.columns)
    return rows.select(source.columns)


def same(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert_frame_equal(one, other, check_row_order=False)


@pytest.mark.parametrize("name", FOLDS)
@given(seed=SEEDS, height=st.integers(0, 12), cut=st.integers(0, 12))
@settings(max_examples=40, deadline=None)
def test_a_fold_is_idempotent_commutative_and_associative(
    name: str, seed: int, height: int, cut: int
) -> None:
    transform = FOLDS[name]
    rows = candidates(transform, _source_rows(transform, seed, height))
    whole = fold(transform, rows)
    first, second = rows.slice(0, cut), rows.slice(cut)
    same(fold(transform, whole), whole)
    same(fold(transform, union([rows, rows])), whole)
    same(fold(transform, union([second, first])), whole)
    same(fold(transform, union([fold(transform, first), second])), whole)
    same(fold(transform, union([fold(transform, second), fold(transform, first)])), whole)


@pytest.mark.parametrize("name", FOLDS)
@given(seed=SEEDS, height=st.integers(0, 12), size=st.integers(1, 5))
@settings(max_examples=15, deadline=None)
def test_candidates_come_of_each_source_row_alone(
    name: str, seed: int, height: int, size: int
) -> None:
    transform = FOLDS[name]
    rows = _source_rows(transform, seed, height)
    parts = list(rows.iter_slices(size)) or [rows]
    same(
        union([candidates(transform, part) for part in parts]),
        candidates(transform, rows),
    )
    same(fold_chunks(transform, parts), fold(transform, candidates(transform, rows)))


@pytest.mark.parametrize("name", GROUPS)
@given(seed=SEEDS, height=st.integers(0, 12))
@settings(max_examples=15, deadline=None)
def test_the_order_of_rows_means_nothing(name: str, seed: int, height: int) -> None:
    transform = GROUPS[name]
    world = of_one(transform, SPECS, Random(seed))
    for table in world.written:
        for _ in range(1 + height // 3):
            world.arrive(table)
    frames = {
        source.table: counted(source, world.lake.tables[source.table].rows.select(source.columns))
        for source in transform.inputs
    }
    reversed_ = {table: rows.reverse() for table, rows in frames.items()}

    def built(given_frames: Mapping[str, Any]) -> pl.DataFrame:
        rows = conform(transform.build(given_frames, FIRST_DAY), transform.target)
        return rows.select(computed(transform.target))

    same(built(frames), built(reversed_))
