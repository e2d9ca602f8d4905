"""What a target needs, decided from the states of tables alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from services.transformer.framework.frames import schema
from services.transformer.framework.lake import SourceHead
from services.transformer.framework.plan import Full, Incremental, Nothing, completeness
from shared.lake.provenance import SourceCut
from tests.support.memory_lake import IDENTITY, MemoryLake
from tests.unit.transformer.framework import toys

TODAY = date(2024, 1, 10)
EVENTS, ITEMS = toys.EVENTS.name, toys.ITEMS.name


def event(amount: int) -> pl.DataFrame:
    row = {"id": 1, "day": TODAY, "amount": amount, "changed": amount, "seen": 1, "arrived": 1}
    return pl.DataFrame([{**row, "error": None}], schema=schema(toys.EVENTS))


@pytest.fixture
def lake() -> MemoryLake:
    """One event, and every table built from it."""
    made = MemoryLake(toys.TABLES)
    made.write(EVENTS, event(1), complete={(EVENTS, 0): 1})
    for transform in toys.TRANSFORMS.values():
        made.build(transform, TODAY)
    return made


def full(lake: MemoryLake) -> str:
    todo = lake.plan(toys.ITEM_FOLD, TODAY)
    assert isinstance(todo, Full)
    return todo.reason


def test_a_table_without_a_snapshot_is_built_in_full() -> None:
    assert full(MemoryLake(toys.TABLES)) == "first build"


def test_a_table_at_its_inputs_heads_needs_nothing(lake: MemoryLake) -> None:
    for transform in toys.TRANSFORMS.values():
        assert isinstance(lake.plan(transform, TODAY), Nothing)


def test_an_input_that_moved_on_is_built_from_the_recorded_cut(lake: MemoryLake) -> None:
    recorded = lake.source(EVENTS)
    lake.write(EVENTS, event(2), complete={(EVENTS, 0): 2})
    todo = lake.plan(toys.ITEM_FOLD, TODAY)
    assert isinstance(todo, Incremental)
    assert recorded is not None
    assert todo.started.sources == {EVENTS: recorded.cut}
    head = lake.source(EVENTS)
    assert head is not None
    assert todo.provenance.sources == {EVENTS: head.cut}
    assert todo.provenance.complete == {(EVENTS, 0): 2}
    assert not todo.ticked


def test_another_version_of_the_code_asks_for_everything(lake: MemoryLake) -> None:
    todo = lake.plan(replace(toys.ITEM_FOLD, version=2), TODAY)
    assert isinstance(todo, Full)
    assert todo.reason.startswith("code changed from 1:")


def test_another_table_under_an_inputs_name_asks_for_everything(lake: MemoryLake) -> None:
    lake.recreate(EVENTS)
    assert full(lake) == "toys.events has no snapshot any more"
    lake.write(EVENTS, event(5))
    assert full(lake) == "toys.events is another table than before"


def test_a_recorded_snapshot_that_is_gone_asks_for_everything(lake: MemoryLake) -> None:
    recorded = lake.source(EVENTS)
    lake.write(EVENTS, event(2))
    lake.expire(EVENTS)
    assert recorded is not None
    assert full(lake) == f"snapshot {recorded.cut.snapshot_id} of toys.events is gone"


def test_rows_changed_by_others_ask_for_everything(lake: MemoryLake) -> None:
    head = lake.tables[ITEMS].head
    assert head is not None
    lake.write(ITEMS, head.rows.clear(), gone=head.rows[IDENTITY], foreign=1)
    assert full(lake) == "rows were changed by somebody else"


def test_the_business_date_never_goes_back(lake: MemoryLake) -> None:
    tomorrow = lake.plan(toys.WINDOW_GROUP, TODAY + timedelta(days=1))
    assert isinstance(tomorrow, Incremental)
    assert tomorrow.ticked
    assert isinstance(lake.plan(toys.WINDOW_GROUP, TODAY - timedelta(days=1)), Nothing)
    assert isinstance(lake.plan(toys.TOTAL_GROUP, TODAY + timedelta(days=1)), Nothing)


def head(complete: Mapping[tuple[str, int], int]) -> SourceHead:
    return SourceHead(SourceCut("uuid", 1, 1), complete)


def topics(table: str) -> frozenset[str]:
    return frozenset(table.split("+"))


def test_a_table_is_complete_as_far_as_the_least_of_its_inputs() -> None:
    heads = {
        "orders": head({("orders", 0): 7, ("orders", 1): 3}),
        "orders+customers": head({("orders", 0): 5, ("orders", 1): 4, ("customers", 0): 9}),
    }
    expected = {("orders", 0): 5, ("orders", 1): 3, ("customers", 0): 9}
    assert completeness(heads, topics) == expected


def test_a_partition_that_an_input_has_not_seen_is_not_complete() -> None:
    heads = {
        "orders": head({("orders", 0): 7, ("orders", 1): 3}),
        "orders+customers": head({("orders", 0): 5}),
    }
    assert completeness(heads, topics) == {("orders", 0): 5}
    assert completeness({**heads, "orders+payments": None}, topics) == {}
