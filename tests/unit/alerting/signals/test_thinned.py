"""What thinning leaves, held against thinning itself; and how many snapshots are too many."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.alerting.signals.tables import LEAST, LIMIT, SLACK, TableFigures, snapshot_limit
from shared.alerting.signals.thinned import DENSE_S, HOURS, MINUTES, Thinned
from shared.lake.table_state import TableState
from shared.lake.thinning import ThinningPolicy, plan
from tests.unit.alerting.signals.histories import MART, RAW, TABLES, built, commit
from tests.unit.lake.test_thinning import History

SECOND, MINUTE, HOUR, DAY = 1.0, 60.0, 3600.0, 86_400.0
BEGAN = 1_767_225_600.0
POLICY = ThinningPolicy()
FULL = DENSE_S + MINUTES + HOURS
HEADS = 2
"""What was the head ten minutes ago stays as well, with what was committed on top of it."""


def every(gap_s: float, times: int, *, whole: bool = True, dense_s: float = DENSE_S) -> Thinned:
    found = Thinned(dense_s, whole=whole)
    for number in range(times):
        found.committed(BEGAN + number * gap_s)
    return found


def test_it_counts_with_the_grains_of_thinning() -> None:
    grains = (DENSE_S * 1000, MINUTES * 60_000, HOURS * 3_600_000)
    assert grains == (POLICY.dense_ms, POLICY.minutes_ms, POLICY.hours_ms)


@pytest.mark.parametrize(
    ("gap_s", "limit"),
    [
        (SECOND, SLACK * (FULL + 1)),
        (30 * MINUTE, SLACK * (1 + 2 + HOURS)),
        (2 * HOUR, SLACK * (1 + 1 + HOURS / 2)),
        (6 * HOUR, LEAST),
        (DAY, LEAST),
    ],
)
def test_too_many_are_half_as_many_again_and_fifty_never(gap_s: float, limit: float) -> None:
    """Commits two hours apart leave 84 after a week, and nothing is wrong with that."""
    told = every(gap_s, min(int(9 * DAY / gap_s), 4000), whole=False)
    assert snapshot_limit(told.left) == pytest.approx(limit, abs=3)


def test_of_the_time_before_it_is_known_there_may_be_as_many_as_thinning_leaves() -> None:
    """A table that rests since a busy hour has its snapshots still, and an alerter that begins
    knows one of them. What it is told, it need not guess."""
    assert every(HOUR, 1, whole=False).left == FULL + 3
    assert every(HOUR, 14, whole=False).left == 1 + 1 + 14 + (HOURS - 13)
    assert every(DAY, 8, whole=False).left == every(DAY, 8).left


def test_the_dense_time_of_landing_tables_is_as_set_and_of_derived_ones_as_it_is() -> None:
    figures = TableFigures(TABLES, dense_s=600)
    for number in range(1, 700):
        figures.event(commit(RAW, number))
        figures.event(built(MART, number, number))
    limits = {dict(series)["table"]: limit for series, limit in figures.vectors(0)[LIMIT].items()}
    assert limits[RAW] - limits[MART] == SLACK * (600 - DENSE_S)


@given(
    gaps=st.lists(
        st.sampled_from([0.3, 1.0, 20.0, MINUTE, 20 * MINUTE, HOUR, 5 * HOUR, DAY]), max_size=100
    ),
    seen=st.integers(0, 100),
)
def test_thinning_leaves_no_more(gaps: list[float], seen: int) -> None:
    """Whatever the rhythm, and from wherever on its commits are told."""
    history, now = History(), BEGAN
    found = Thinned(whole=seen == 0)
    for number, gap in enumerate([1.0, *gaps]):
        now += gap
        now_ms = int(now * 1000)
        thinning = plan(cast("TableState", history), now_ms, POLICY)
        history.commit(now_ms)
        history.apply(thinning)
        if number >= seen:
            found.committed(now)
            assert len(history.snapshots) <= found.left + HEADS
