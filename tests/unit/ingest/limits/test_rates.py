"""A source gets its requests and bytes per second, a second's worth at once, and no more."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from services.ingest.limits.rates import SourceRate, TokenBucket


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def taken(bucket: TokenBucket, amount: float) -> float:
    wait = bucket.wait(amount)
    if not wait:
        bucket.take(amount)
    return wait


def test_a_seconds_worth_passes_and_then_the_wait_is_named() -> None:
    clock = Clock()
    bucket = TokenBucket(4, clock)
    assert [taken(bucket, 1) for _ in range(4)] == [0, 0, 0, 0]
    assert taken(bucket, 1) == pytest.approx(0.25)
    clock.now += 0.25
    assert taken(bucket, 1) == 0
    assert taken(bucket, 1) > 0
    clock.now += 3600
    assert [taken(bucket, 1) for _ in range(5)] == [0, 0, 0, 0, pytest.approx(0.25)]


def test_less_than_one_a_second_lets_one_pass_at_once() -> None:
    bucket = TokenBucket(0.01, Clock())
    assert taken(bucket, 1) == 0
    assert taken(bucket, 1) == pytest.approx(100)


def test_what_is_more_than_a_seconds_worth_passes_and_is_paid_off() -> None:
    clock = Clock()
    bucket = TokenBucket(10, clock)
    assert taken(bucket, 35) == 0
    assert taken(bucket, 1) == pytest.approx(2.6)
    clock.now += 2.7
    assert taken(bucket, 1) == 0


def test_without_a_rate_everything_passes() -> None:
    rate = SourceRate(0, 0, Clock())
    assert not rate.is_limited
    assert {rate.take(10**9) for _ in range(1000)} == {0.0}


def test_what_is_refused_for_its_bytes_takes_no_request() -> None:
    clock = Clock()
    rate = SourceRate(2, 10, clock)
    assert rate.take(10) == 0
    assert [rate.take(5) for _ in range(9)] == [pytest.approx(0.5)] * 9
    clock.now += 0.5
    assert rate.take(5) == 0
