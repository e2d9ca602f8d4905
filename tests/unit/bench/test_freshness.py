"""Freshness is counted only over rows that are exactly what ingest promised to keep."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from shared.runtime.errors import CheckFailed
from tests.bench.freshness import freshness

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TIME = pa.timestamp("us", "UTC")


def visible(rows: Sequence[tuple[str, float, float | None]]) -> pa.Table:
    """(delivery id, seconds of receipt, seconds of commit) since the load began."""

    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else BEGAN + timedelta(seconds=seconds)

    return pa.table(
        {
            "_delivery_id": [name for name, _, _ in rows],
            "_received_at": pa.array([at(received) for _, received, _ in rows], TIME),
            "_committed_at": pa.array([at(committed) for _, _, committed in rows], TIME),
        }
    )


def test_figures_of_one_load() -> None:
    rows = [(f"d{n}", n * 0.01, n * 0.01 + (2.0 if n == 100 else 0.5)) for n in range(101)]
    found = freshness(visible(rows), {name for name, _, _ in rows}, BEGAN)
    assert found.p50 == pytest.approx(0.5)
    assert found.p99 == pytest.approx(0.5)
    assert found.largest == pytest.approx(2.0)
    assert found.rate == pytest.approx(100.0)


def test_rows_of_an_earlier_load_are_left_out() -> None:
    found = freshness(visible([("old", -1.0, 9.0), ("new", 1.0, 1.25)]), {"new"}, BEGAN)
    assert found.largest == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("rows", "accepted"),
    [
        pytest.param([("a", 1.0, 2.0)], {"a", "b"}, id="lost"),
        pytest.param([("a", 1.0, 2.0), ("a", 1.0, 2.0)], {"a"}, id="duplicated"),
        pytest.param([("a", 1.0, 2.0), ("c", 1.0, 2.0)], {"a", "b"}, id="another"),
        pytest.param([("a", 1.0, None)], {"a"}, id="thinned away"),
    ],
)
def test_figures_of_anything_else_are_refused(
    rows: Sequence[tuple[str, float, float | None]], accepted: set[str]
) -> None:
    with pytest.raises(CheckFailed):
        freshness(visible(rows), accepted, BEGAN)
