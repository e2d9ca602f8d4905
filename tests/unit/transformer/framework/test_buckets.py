"""Rows in buckets: what belongs together is in one, each row is there, few are held."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from services.transformer.framework.buckets import Buckets, Source, split
from services.transformer.framework.frames import DTYPES
from services.transformer.framework.room import Room, Shelves

SCHEMA = pl.Schema({"key": pl.Int64(), "other": pl.String(), "value": pl.Int64()})
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 40)),
        st.sampled_from(["a", "b", "longer than a view holds", "", None]),
        st.integers(0, 9),
    ),
    max_size=60,
)


class Watched(Room):
    """Remembers the most that has waited."""

    most = 0

    def hold(self, shelves: Shelves[int], name: int, rows: pl.DataFrame, size: int) -> None:  # type: ignore[override]
        super().hold(shelves, name, rows, size)
        self.most = max(self.most, self.held)


def frame(rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def source(rows: pl.DataFrame, *ways: str, name: str = "rows", step: int = 7) -> Source:
    return Source(
        name,
        rows.clear(),
        ((part.height, part) for part in rows.iter_slices(step)),
        rows.height,
        lambda some: [some.select(key=way) for way in ways or ("key",)],
    )


def taken(buckets: Buckets, name: str = "rows") -> list[pl.DataFrame]:
    return [buckets.taken(name, number) for number in range(buckets.count)]


@given(rows=ROWS, portion=st.integers(64, 1200))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_in_one_bucket_and_every_key_too(
    tmp_path: Path, rows: list[tuple[object, ...]], portion: int
) -> None:
    everything = frame(rows)
    room = Watched(portion, lambda: tmp_path)
    found = taken(split([source(everything)], room))
    assert_frame_equal(pl.concat(found), everything, check_row_order=False)
    keys = [key for part in found for key in part["key"].unique().to_list()]
    assert len(keys) == len(set(keys)), "no key is in two buckets"
    assert room.most <= portion
    assert not list(tmp_path.iterdir()), "files go with their rows"


@given(rows=ROWS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_row_that_leads_to_two_groups_is_once_in_the_bucket_of_each(
    tmp_path: Path, rows: list[tuple[object, ...]]
) -> None:
    everything = frame(rows).with_row_index("row")
    groups = frame([(key, None, 0) for key in range(41)])
    both = [source(groups, name="groups"), source(everything, "key", "value")]
    buckets = split(both, Room(600, lambda: tmp_path))
    for number in range(buckets.count):
        own = set(buckets.taken("groups", number)["key"].to_list())
        there = buckets.taken("rows", number)
        assert there["row"].is_unique().all()
        led = everything.filter(pl.col("key").is_in(own) | pl.col("value").is_in(own))
        assert set(led["row"]) <= set(there["row"])


def test_what_fits_is_one_bucket_and_leaves_no_trace() -> None:
    everything = frame([(1, "a", 2), (3, "b", 4)])
    buckets = split([source(everything)], Room())
    assert buckets.count == 1
    assert_frame_equal(buckets.taken("rows", 0), everything)


def test_what_cannot_be_divided_is_one_bucket_whatever_its_size(tmp_path: Path) -> None:
    everything = frame([(n, "a", n) for n in range(100)])
    buckets = split([source(everything)], Room(64, lambda: tmp_path), divisible=False)
    assert buckets.count == 1
    assert buckets.taken("rows", 0).height == 100


def test_the_number_of_buckets_follows_from_what_is_still_to_be_read(tmp_path: Path) -> None:
    rows = frame([(n, "a", n) for n in range(4000)])
    counts = [
        split([source(rows.head(height), step=50)], Room(16_384, lambda: tmp_path)).count
        for height in (1000, 2000, 4000)
    ]
    assert counts[0] < counts[1] < counts[2]


VALUES = {
    pl.Date(): date(2024, 1, 31),
    pl.Datetime("us", "UTC"): datetime(2024, 1, 31, 5, tzinfo=UTC),
    pl.Binary(): b"\x00\xff",
    pl.String(): "text",
    pl.Boolean(): True,
}


@pytest.mark.parametrize("dtype", [*dict.fromkeys(DTYPES.values())], ids=str)
def test_values_of_every_type_come_back(tmp_path: Path, dtype: pl.DataType) -> None:
    value = VALUES.get(dtype, Decimal("1.25") if isinstance(dtype, pl.Decimal) else 7)
    rows = pl.DataFrame({"value": pl.Series([value, None, value], dtype=dtype)})
    shelves: Shelves[str] = Shelves(Room(1, lambda: tmp_path), rows.clear())
    shelves.put("name", rows, 100)
    assert not shelves.held
    assert_frame_equal(shelves.rows("name"), rows)


def test_rows_that_leave_while_others_are_read_are_read_once(tmp_path: Path) -> None:
    room = Room(100, lambda: tmp_path)
    rows = frame([(1, "a", 2)])
    shelves: Shelves[str] = Shelves(room, rows.clear())
    others: Shelves[str] = Shelves(room, rows.clear())
    shelves.put("name", rows, 101)
    shelves.put("name", rows, 10)
    reading = shelves.portions("name")
    found = [next(reading)]
    others.put("name", rows, 101)
    assert room.held == 0
    assert pl.concat([*found, *reading]).height == 2
    assert shelves.rows("name").height == 2


def test_nobody_else_may_read_what_has_left(tmp_path: Path) -> None:
    rows = frame([(1, "a", 2)])
    shelves: Shelves[str] = Shelves(Room(1, lambda: tmp_path), rows.clear())
    shelves.put("name", rows, 100)
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shelves.drop("name")
    assert not list(tmp_path.iterdir())
