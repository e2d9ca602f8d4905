"""A range of days."""

from __future__ import annotations

from datetime import date

import pytest

from shared.contracts.days import Days

NEW_YEAR, JANUARY_END, MAY = date(2026, 1, 1), date(2026, 1, 31), date(2026, 5, 2)
JANUARY = Days(NEW_YEAR, JANUARY_END)


def test_a_range_that_holds_no_day_is_none() -> None:
    with pytest.raises(ValueError, match="2026-05-02 to 2026-01-01 holds no day"):
        Days(MAY, NEW_YEAR)


def test_without_an_end_there_is_no_range() -> None:
    assert Days.between(None, None) is None
    assert Days.between(None, MAY) == Days(None, MAY)


@pytest.mark.parametrize(
    ("other", "both"),
    [
        (Days(MAY, MAY), Days(NEW_YEAR, MAY)),
        (Days(None, NEW_YEAR), Days(None, JANUARY_END)),
        (Days(MAY, None), Days(NEW_YEAR, None)),
        (JANUARY, JANUARY),
    ],
)
def test_two_ranges_lie_in_their_hull(other: Days, both: Days) -> None:
    assert JANUARY.hull(other) == both == other.hull(JANUARY)
    assert both.holds(JANUARY)
    assert both.holds(other)
    assert JANUARY.holds(both) == (both == JANUARY)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (JANUARY, "days 2026-01-01 to 2026-01-31"),
        (Days(MAY, MAY), "day 2026-05-02"),
        (Days(MAY, None), "days from 2026-05-02"),
        (Days(None, MAY), "days up to 2026-05-02"),
        (Days(None, None), "all days"),
    ],
)
def test_a_range_is_told_in_words(days: Days, told: str) -> None:
    assert str(days) == told
