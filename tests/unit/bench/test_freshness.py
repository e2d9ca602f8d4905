"""Freshness is counted only over rows that are exactly what ingest promised to keep."""

from collections.abc import Sequence

import pytest

from shared.runtime.errors import CheckFailed
from tests.bench.freshness import freshness, mart_freshness
from tests.bench.mart_reader import MartReading, covers
from tests.bench.polling_reader import ReadRow

BEGAN = 1_767_323_045.0


def read(name: str, committed: float, seen: float) -> ReadRow:
    """A row, with seconds since the load began."""
    return ReadRow(name, BEGAN + committed, BEGAN + seen)


def test_figures_of_one_load() -> None:
    posted = {f"d{n}": BEGAN + n * 0.01 for n in range(101)}
    rows = [
        read(f"d{n}", n * 0.01 + 0.4, n * 0.01 + (2.0 if n == 100 else 0.5)) for n in range(101)
    ]
    found = freshness(posted, rows)
    assert found.committed_p50 == pytest.approx(0.4)
    assert found.committed_p99 == pytest.approx(0.4)
    assert found.raw_p50 == pytest.approx(0.5)
    assert found.raw_p99 == pytest.approx(0.5)
    assert found.raw_largest == pytest.approx(2.0)
    assert found.rate == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("rows", "accepted"),
    [
        pytest.param([read("a", 1.0, 2.0)], "ab", id="lost"),
        pytest.param([read("a", 1.0, 2.0), read("a", 1.0, 2.0)], "ab", id="duplicated"),
        pytest.param([read("a", 1.0, 2.0), read("c", 1.0, 2.0)], "ab", id="another"),
        pytest.param([ReadRow("a", 0.0, BEGAN + 2.0)], "a", id="thinned away"),
    ],
)
def test_figures_of_anything_else_are_refused(rows: Sequence[ReadRow], accepted: str) -> None:
    with pytest.raises(CheckFailed):
        freshness(dict.fromkeys(accepted, BEGAN), rows)


TOPIC = "shopify.orders"


def reading(seen: float, **offsets: int) -> MartReading:
    """A reading some seconds after the load began, complete up to offsets (p0=…)."""
    complete = {(TOPIC, int(name[1:])): offset for name, offset in offsets.items()}
    return MartReading(complete, BEGAN + seen, 1)


def test_an_order_is_in_the_mart_with_the_first_reading_that_is_complete_beyond_it() -> None:
    posted = {"a": BEGAN, "b": BEGAN + 1, "no order": BEGAN + 2}
    places = {"a": ((TOPIC, 0), 4), "b": ((TOPIC, 1), 0)}
    readings = [reading(1.5, p0=4), reading(3.0, p0=5), reading(6.0, p0=5, p1=1)]
    found = mart_freshness(posted, places, readings)
    assert found.p50 == pytest.approx(4.0)
    assert found.largest == pytest.approx(5.0)
    assert found.readings == 3
    assert found.rate == pytest.approx(1.0)


def test_an_order_that_no_mart_contains_is_refused() -> None:
    with pytest.raises(CheckFailed, match=r"no reading .* contains shopify.orders/0@5"):
        mart_freshness({"a": BEGAN}, {"a": ((TOPIC, 0), 5)}, [reading(1.0, p0=5)])


def test_a_load_without_orders_says_nothing_about_the_mart() -> None:
    with pytest.raises(CheckFailed, match="no order"):
        mart_freshness({"a": BEGAN}, {}, [reading(1.0, p0=5)])


def test_a_mart_covers_what_it_is_complete_beyond() -> None:
    complete = {(TOPIC, 0): 7}
    assert covers(complete, {(TOPIC, 0): 7})
    assert not covers(complete, {(TOPIC, 0): 8})
    assert not covers(complete, {(TOPIC, 1): 1})
