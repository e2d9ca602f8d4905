"""A token bucket lets a burst through, and then so many a minute."""

from hypothesis import given
from hypothesis import strategies as st

from services.alerter.delivery.rate import TokenBucket


def test_a_burst_passes_at_once_and_then_one_a_second() -> None:
    bucket = TokenBucket(per_minute=60, burst=3, now=0.0)

    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.wait(0.25) == 0.75
    assert not bucket.take(0.9)
    assert bucket.take(1.0)


def test_a_clock_that_steps_back_gives_nothing_away() -> None:
    bucket = TokenBucket(per_minute=60, burst=1, now=100.0)

    assert bucket.take(100.0)
    assert not bucket.take(50.0)
    assert bucket.wait(50.0) == 1.0


@given(
    per_minute=st.floats(min_value=0.1, max_value=6000),
    burst=st.integers(min_value=1, max_value=50),
    pauses=st.lists(st.floats(min_value=0, max_value=120), max_size=60),
)
def test_never_more_than_the_burst_and_what_came_back(
    per_minute: float, burst: int, pauses: list[float]
) -> None:
    bucket = TokenBucket(per_minute, burst, 0.0)
    now, taken = 0.0, 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now)
        assert taken <= burst + now * per_minute / 60 + 1e-6


@given(
    per_minute=st.floats(min_value=0.1, max_value=6000),
    burst=st.integers(min_value=1, max_value=50),
    start=st.floats(min_value=0, max_value=1e9),
)
def test_who_waits_as_long_as_told_gets_a_token(
    per_minute: float, burst: int, start: float
) -> None:
    bucket = TokenBucket(per_minute, burst, start)
    now = start
    for _ in range(burst + 5):
        now += bucket.wait(now)
        while (rest := bucket.wait(now)) > 0:  # a large clock has coarse steps
            now += max(rest, 1e-6)
        assert bucket.take(now)
