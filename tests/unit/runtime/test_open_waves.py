"""Waves follow from TableCommitted events alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.tables import Offsets, TableCommitted
from shared.runtime import open_waves as module
from shared.runtime.open_waves import Waves, covers
from tests.unit.transformer.planning.test_planner import TABLES

BEGAN = datetime(2026, 11, 26, tzinfo=UTC)


def commit(table: str, number: int, uuid: str = "u", **more: Any) -> TableCommitted:
    return TableCommitted(
        table=table,
        uuid=uuid,
        snapshot_id=number,
        parent_snapshot_id=None,
        sequence_number=number,
        committed_at=BEGAN + timedelta(seconds=number),
        **{"operation": "append", **more},
    )


def landed(number: int, offset: int, **more: Any) -> TableCommitted:
    return commit("x.raw", number, offsets={"shop.events": {0: offset}}, **more)


def built(table: str, number: int, offset: int) -> TableCommitted:
    return commit(table, number, complete={"shop.events": {0: offset}})


def everywhere(waves: Waves, number: int, offset: int) -> None:
    for table in ("x.staging", "x.orders", "x.first", "x.summary"):
        waves.committed(built(table, number, offset))


def oldest(waves: Waves, table: str) -> str | None:
    wave = waves.oldest_for(table)
    return None if wave is None else wave.id


def test_a_wave_is_open_until_every_descendant_holds_it() -> None:
    waves = Waves(TABLES)
    waves.committed(landed(1, 10))
    for number, table in enumerate(("x.staging", "x.orders", "x.first"), 1):
        waves.committed(built(table, number, 10))
        assert waves.open() == 1
        assert oldest(waves, table) is None
        assert oldest(waves, "x.summary") == "x.raw/1"
    waves.committed(built("x.summary", 4, 10))
    assert waves.open() == 0
    assert waves.oldest() is None


def test_a_build_belongs_to_the_oldest_wave_that_its_table_does_not_hold() -> None:
    waves = Waves(TABLES)
    for number, offset in ((1, 10), (2, 20), (3, 30)):
        waves.committed(landed(number, offset))
    waves.committed(built("x.staging", 1, 20))
    assert oldest(waves, "x.staging") == "x.raw/3"
    assert oldest(waves, "x.orders") == "x.raw/1"
    found = waves.oldest()
    assert found is not None
    assert found.committed_at == BEGAN + timedelta(seconds=1)


def test_a_commit_is_as_old_as_the_oldest_wave_that_it_brings_on() -> None:
    """Also when it is told of again; not as old as what waits for a table that fails."""
    waves = Waves(TABLES)
    for number, offset in ((1, 10), (2, 20), (3, 30)):
        waves.committed(landed(number, offset))
    assert waves.begun(landed(3, 30)) == BEGAN + timedelta(seconds=3)
    for number, offset, oldest_brought in ((1, 10, 1), (2, 30, 2)):
        commit_of_staging = built("x.staging", number, offset)
        for _ in range(2):
            waves.committed(commit_of_staging)
            assert waves.begun(commit_of_staging) == BEGAN + timedelta(seconds=oldest_brought)


def test_one_build_may_end_several_waves() -> None:
    waves = Waves(TABLES)
    for number, offset in ((1, 10), (2, 20)):
        waves.committed(landed(number, offset))
    everywhere(waves, 1, 20)
    assert waves.open() == 0


def test_repeated_and_older_events_change_nothing() -> None:
    waves = Waves(TABLES)
    assert waves.committed(landed(2, 20))
    assert not waves.committed(landed(2, 20))
    assert not waves.committed(landed(1, 10))
    assert waves.open() == 1


def test_the_last_states_alone_say_what_is_open_in_whatever_order_they_come() -> None:
    waves = Waves(TABLES)
    everywhere(waves, 7, 70)
    waves.committed(built("x.summary", 8, 60))
    waves.committed(landed(9, 70))
    assert oldest(waves, "x.summary") == "x.raw/9"
    assert oldest(waves, "x.first") is None


def test_maintenance_opens_no_wave() -> None:
    waves = Waves(TABLES)
    waves.committed(landed(1, 10, operation="replace"))
    waves.committed(commit("x.raw", 2, operation="delete"))
    assert waves.open() == 0


def test_a_table_made_anew_begins_anew() -> None:
    waves = Waves(TABLES)
    waves.committed(landed(50, 500))
    assert waves.committed(landed(1, 5, uuid="another"))
    assert oldest(waves, "x.staging") == "x.raw/1"
    assert waves.open() == 1


def test_remembered_waves_are_bounded_and_the_oldest_and_newest_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_OPEN", 3)
    waves = Waves(TABLES)
    for number in range(1, 10):
        waves.committed(landed(number, number))
    assert waves.open() == 3
    assert oldest(waves, "x.staging") == "x.raw/1"
    everywhere(waves, 1, 8)
    assert waves.open() == 1, "the newest is not held"


@pytest.mark.parametrize(
    ("complete", "offsets", "held"),
    [
        ({}, {}, True),
        ({}, {"t": {0: 0}}, True),
        ({}, {"t": {0: 1}}, False),
        ({"t": {0: 5}}, {"t": {0: 5}}, True),
        ({"t": {0: 5}}, {"t": {0: 5, 1: 1}}, False),
        ({"t": {0: 5, 1: 9}}, {"t": {0: 4}}, True),
    ],
)
def test_what_is_covered(complete: Offsets, offsets: Offsets, held: bool) -> None:
    assert covers(complete, offsets) is held


class Plain:
    """The same by comparing every wave with every table each time."""

    def __init__(self) -> None:
        self.complete: dict[str, Offsets] = {}
        self.open: list[tuple[int, Offsets]] = []

    def missing(self, table: str) -> int | None:
        held = self.complete.get(table, {})
        return next((n for n, offsets in self.open if not covers(held, offsets)), None)

    def drop(self) -> None:
        tables = ("x.staging", "x.orders", "x.first", "x.summary")
        while self.open and all(
            covers(self.complete.get(each, {}), self.open[0][1]) for each in tables
        ):
            self.open.pop(0)


@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from(["x.raw", "x.raw", "x.staging", "x.orders", "x.first", "x.summary"]),
            st.integers(0, 6),
        ),
        max_size=30,
    )
)
def test_counting_what_is_held_finds_what_comparing_everything_finds(
    moves: list[tuple[str, int]],
) -> None:
    """Tables may be rolled back: then they lack again what is still open."""
    waves, plain = Waves(TABLES), Plain()
    landings = 0
    for number, (table, up_to) in enumerate(moves, 1):
        if table == "x.raw":
            landings += 1
            event = landed(number, 10 * landings)
            plain.open.append((number, event.offsets))
        else:
            event = built(table, number, 10 * up_to)
            plain.complete[table] = event.complete
        waves.committed(event)
        plain.drop()
        assert waves.open() == len(plain.open)
        for each in ("x.staging", "x.orders", "x.first", "x.summary"):
            lacks = plain.missing(each)
            assert oldest(waves, each) == (None if lacks is None else f"x.raw/{lacks}")
