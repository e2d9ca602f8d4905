"""Alerters that know different parts of the same arrivals come to know the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.alerting.signals.recalling import both, learned, remembered
from shared.alerting.signals.rhythm import HOUR_S, WEEK_HOURS, Remembered, Rhythm
from shared.contracts.landing import LandingLearned

NOW = 1_700_000_000.0
arrivals = st.lists(st.integers(0, 14 * 24), min_size=1, max_size=40, unique=True).map(sorted)


def rhythm(hours: list[int]) -> Remembered:
    made = Rhythm()
    for hour in hours:
        made.happened(NOW + hour * HOUR_S)
    return made.remembered()


@given(arrivals, st.integers(0, 39), st.integers(0, 39))
def test_what_one_missed_is_known_from_the_other(hours: list[int], first: int, hole: int) -> None:
    """One began later, and was away for a while: whoever saw all is not misled."""
    whole = rhythm(hours)
    parts = [rhythm(hours[first:] or hours[-1:]), rhythm(hours[:hole] + hours[hole + 5 :] or hours)]
    for part in parts:
        assert both(whole, part) == both(part, whole) == whole
    together = both(*parts)
    assert both(together, together) == together
    assert both(together, parts[0]) == together


def test_gaps_of_more_than_a_week_ago_are_forgotten() -> None:
    old = Remembered(first=0, last=HOUR_S, times=2, gaps={1: (3.0, 3.0)})
    late = Remembered(
        first=0, last=(WEEK_HOURS + 2) * HOUR_S, times=3, gaps={WEEK_HOURS + 2: (5.0, 6.0)}
    )
    assert both(old, late).gaps == late.gaps


@given(arrivals)
def test_what_is_told_is_what_was_known(hours: list[int]) -> None:
    known = rhythm(hours)
    event = learned("raw.x", known, NOW)
    assert event is not None
    assert remembered(LandingLearned.decode(event.encode()[1])) == known


def test_of_a_table_that_never_got_rows_nothing_is_told() -> None:
    assert learned("raw.x", Remembered(), NOW) is None
    assert both(Remembered(), Remembered()) == Remembered()
