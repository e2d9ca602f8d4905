"""Some days of a real table computed anew: what is read, what is committed, and by whom at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest

from services.transformer.building import writing
from services.transformer.request import BuildRequest, Stage
from shared.contracts.days import Days
from shared.runtime.errors import Refused
from shared.tables.spec import Grain, Partitioning
from tests.support.spoiling import spoil
from tests.support.toy_lake import TODAY, ToyLake, build_all, request
from tests.unit.transformer.building.test_builder import WRITE, event
from tests.unit.transformer.framework import toys

EVENTS, ITEMS, TOTALS, WINDOWS = (
    toys.EVENTS.name,
    toys.ITEMS.name,
    toys.TOTALS.name,
    toys.WINDOWS.name,
)
MONTHLY = replace(toys.ITEMS, partition_by=Partitioning("day", Grain.MONTH))
"""As most tables of the platform are: a file for each month."""
TRANSFORMS = {**toys.TRANSFORMS, ITEMS: replace(toys.ITEM_FOLD, target=MONTHLY)}
PER_MONTH = 40


@pytest.fixture
def lake(tmp_path: Path) -> ToyLake:
    """Four months, each landed on its own, with as many items in each."""
    made = ToyLake(tmp_path, {**toys.TABLES, ITEMS: MONTHLY}, TRANSFORMS)
    for month in range(1, 5):
        made.land(EVENTS, [item(month, number) for number in range(PER_MONTH)])
    build_all(made.builder(), made.transforms)
    return made


def item(month: int, number: int, amount: int = 1) -> dict[str, Any]:
    day = date(2024, month, 1 + number % 28)
    return {**event(100 * month + number, 1, amount), "day": day}


def of_days(first: date | None, last: date | None) -> BuildRequest:
    return replace(request(), days=Days(first, last))


MARCH = of_days(date(2024, 3, 1), date(2024, 3, 31))


def spoil_items(lake: ToyLake, amount: int) -> None:
    """Every item gets another amount."""
    spoil(
        lake.handle(ITEMS), MONTHLY, lambda rows: rows.with_columns(amount=pl.lit(amount, pl.Int64))
    )


def lose_items(lake: ToyLake) -> None:
    """No item is there."""
    spoil(lake.handle(ITEMS), MONTHLY, pl.DataFrame.clear)


def amounts(lake: ToyLake) -> dict[int, set[int]]:
    """Month → the amounts of its items."""
    found: dict[int, set[int]] = {}
    for day, amount in lake.rows(ITEMS).select("day", "amount").iter_rows():
        found.setdefault(day.month, set()).add(amount)
    return found


def test_rows_of_these_days_are_mended_and_no_other_is_read(lake: ToyLake) -> None:
    builder = lake.builder()
    spoil_items(lake, 7)
    report = builder.build(ITEMS, MARCH)
    assert amounts(lake) == {1: {7}, 2: {7}, 3: {1}, 4: {7}}
    assert (report.mode, report.rows_added, report.rows_removed) == (
        *("incremental", PER_MONTH, PER_MONTH),
    )
    assert report.reason == "days 2024-03-01 to 2024-03-31 computed anew"
    assert report.rows_read == 4 * PER_MONTH, "March's keys here and there, and its rows"


def test_what_reads_the_table_follows_from_the_difference(lake: ToyLake) -> None:
    builder = lake.builder()
    before = lake.rows(TOTALS)
    spoil_items(lake, 7)
    build_all(builder, lake.transforms)
    assert not lake.rows(TOTALS).equals(before)
    builder.build(ITEMS, of_days(None, None))
    after = build_all(builder, lake.transforms)
    assert after[TOTALS].mode == "incremental"
    assert lake.rows(TOTALS).equals(before)


def test_days_that_are_right_are_not_written(lake: ToyLake) -> None:
    head = lake.state(ITEMS).current_snapshot_id
    report = lake.builder().build(ITEMS, MARCH)
    assert (report.mode, report.snapshot_id) == ("nothing", None)
    assert report.reason == "days 2024-03-01 to 2024-03-31 are as they should be"
    assert lake.state(ITEMS).current_snapshot_id == head


def test_what_landed_meanwhile_is_built_with_it(lake: ToyLake) -> None:
    spoil_items(lake, 7)
    lake.land(EVENTS, [{**item(1, 0, amount=9), "changed": 2}])
    report = lake.builder().build(ITEMS, MARCH)
    assert amounts(lake) == {1: {7, 9}, 2: {7}, 3: {1}, 4: {7}}
    assert report.reason.startswith("toys.events moved on and days")
    assert lake.builder().build(ITEMS, request()).mode == "nothing"


def test_a_table_that_is_not_there_yet_is_built_in_full(tmp_path: Path) -> None:
    lake = ToyLake(tmp_path, toys.TABLES, toys.TRANSFORMS)
    lake.land(EVENTS, [event(1, 1, 10), event(2, 5, 10)])
    assert lake.builder().build(ITEMS, MARCH).mode == "full"
    assert lake.rows(ITEMS).height == 2


def test_a_table_whose_code_changed_asks_for_its_rebuild(lake: ToyLake) -> None:
    changed = {ITEMS: replace(toys.ITEM_FOLD, target=MONTHLY, version=2)}
    report = lake.builder(changed).build(ITEMS, MARCH)
    assert report.rebuild is not None
    assert "code changed" in report.rebuild


def test_a_table_whose_rows_have_no_day_is_refused(lake: ToyLake) -> None:
    with pytest.raises(Refused, match=r"of which day a row of toys\.components is"):
        lake.builder().build(toys.COMPONENTS.name, MARCH)


def test_of_two_refreshes_at_once_one_writes_what_is_missing(lake: ToyLake) -> None:
    """Nothing recorded tells them apart, and rows that only come collide with nothing."""
    lose_items(lake)
    other = lake.builder()

    def write(*args: Any, **named: Any) -> Any:
        theirs = replace(MARCH, build_id="another")
        with patch(WRITE, writing.write):
            assert other.build(ITEMS, theirs).rows_added == PER_MONTH
        return writing.write(*args, **named)

    with patch(WRITE, write):
        assert lake.builder().build(ITEMS, MARCH).mode == "nothing", "planned again"
    assert lake.rows(ITEMS).height == PER_MONTH


def test_a_refresh_and_a_live_build_at_once_write_a_row_once(lake: ToyLake) -> None:
    """The refresh was planned before something landed, and commits while that is built."""
    lose_items(lake)
    live = lake.builder()

    def refreshing(*args: Any, **named: Any) -> Any:
        def building(*its_args: Any, **its_named: Any) -> Any:
            written.append(writing.write(*args, **named))
            return writing.write(*its_args, **its_named)

        written: list[Any] = []
        lake.land(EVENTS, [{**item(3, 0, amount=9), "changed": 2}])
        with patch(WRITE, building):
            live.build(ITEMS, request())
        return written[0]

    with patch(WRITE, refreshing):
        lake.builder().build(ITEMS, MARCH)
    assert lake.rows(ITEMS)["id"].is_unique().all()
    assert amounts(lake) == {3: {1, 9}}


def test_a_rebuild_that_began_before_ends_as_right(lake: ToyLake) -> None:
    builder = lake.builder()
    spoil_items(lake, 7)
    builder.build(ITEMS, request(Stage.REBUILD))
    lake.builder().build(ITEMS, MARCH)
    builder.build(ITEMS, request(Stage.PUBLISH))
    assert amounts(lake) == {month: {1} for month in range(1, 5)}


def test_a_ticked_table_keeps_its_date(lake: ToyLake) -> None:
    report = lake.builder().build(WINDOWS, MARCH)
    assert (report.mode, report.as_of) == ("nothing", TODAY)
