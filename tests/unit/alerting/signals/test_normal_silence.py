"""What silence is normal depends on the time of day: a night is no measure of a noon."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from shared.alerting.series import labels
from shared.alerting.signals.silence import EXPECTED, LEAST_S, SILENCE, Silence
from tests.unit.alerting.signals.histories import RAW, TABLES, at, landed

MINUTE, HOUR = 60.0, 3600.0
DAY = 24 * HOUR


def silence_of(arrivals: Iterable[float]) -> Silence:
    source = Silence(TABLES)
    for topic in source.reads:
        source.caught_up(topic)
    for number, seconds in enumerate(arrivals, start=1):
        source.event(landed(number, seconds))
    return source


def value(source: Silence, name: str, seconds: float) -> float:
    return source.vectors(at(seconds).timestamp())[name][labels(table=RAW)]


def is_missed(source: Silence, seconds: float) -> bool:
    return value(source, SILENCE, seconds) > value(source, EXPECTED, seconds)


def shop(days: int, every: float, *, until: float) -> list[float]:
    """From seven in the morning until eleven at night, up to this moment."""
    return [
        moment
        for day in range(days)
        for number in range(int(16 * HOUR / every) + 1)
        if (moment := day * DAY + 7 * HOUR + number * every) <= until
    ]


def test_at_noon_half_an_hour_is_long_where_every_night_is_silent() -> None:
    noon = 8 * DAY + 12 * HOUR
    source = silence_of(shop(9, 10 * MINUTE, until=noon))
    assert value(source, EXPECTED, noon + LEAST_S) == LEAST_S
    assert not is_missed(source, noon + LEAST_S)
    assert is_missed(source, noon + LEAST_S + 1)


def test_at_night_it_is_not() -> None:
    source = silence_of(shop(8, 10 * MINUTE, until=8 * DAY))
    for hour in range(23, 32):
        assert not is_missed(source, 7 * DAY + hour * HOUR)


@pytest.mark.parametrize("early", [0, HOUR, 1.5 * HOUR])
def test_an_evening_that_ends_early_is_no_outage(early: float) -> None:
    last = 7 * DAY + 23 * HOUR - early
    source = silence_of(shop(8, 10 * MINUTE, until=last))
    for hour in range(1, 8):
        assert not is_missed(source, last + hour * HOUR)


def test_a_morning_on_which_nothing_comes_is_missed_before_noon() -> None:
    source = silence_of(shop(8, 10 * MINUTE, until=8 * DAY))
    assert not is_missed(source, 8 * DAY + 9 * HOUR)
    assert is_missed(source, 8 * DAY + 11 * HOUR)


def test_what_comes_now_and_then_may_be_silent_for_twice_as_long_as_about_this_time() -> None:
    source = silence_of(shop(8, 40 * MINUTE, until=7 * DAY + 13 * HOUR))
    assert value(source, EXPECTED, 7 * DAY + 14 * HOUR) == 80 * MINUTE


def test_an_unusual_day_counts_for_its_own_hours_only() -> None:
    """A morning without deliveries, six days ago."""
    usual = shop(8, 10 * MINUTE, until=7 * DAY + 18 * HOUR)
    source = silence_of(m for m in usual if not DAY + 8 * HOUR < m < DAY + 12 * HOUR)
    assert value(source, EXPECTED, 7 * DAY + 12 * HOUR) == 2 * 4.0 * HOUR
    assert value(source, EXPECTED, 7 * DAY + 18.4 * HOUR) == LEAST_S


def test_where_no_day_before_is_known_the_longest_silence_counts() -> None:
    arrivals = [0.0, *(DAY + number * HOUR for number in range(-2, 20))]
    source = silence_of(arrivals)
    assert value(source, EXPECTED, 3 * DAY) == 1.5 * 22 * HOUR
