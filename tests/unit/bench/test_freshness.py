"""Freshness is counted only over rows that are exactly what ingest promised to keep."""

from collections.abc import Sequence

import pytest

from shared.runtime.errors import CheckFailed
from tests.bench.freshness import freshness
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
