"""How long a body is waited for follows from how much of it is there."""

from services.ingest.limits.bodies import GRACE_SECONDS, BodyLimits
from services.ingest.problem import BODY_TIMEOUT


def test_a_slow_body_is_waited_for_as_long_as_it_comes_fast_enough() -> None:
    limits = BodyLimits(bytes=1000, timeout_s=10, bytes_per_s=100)
    assert limits.patience(0) == GRACE_SECONDS
    assert limits.patience(200) == GRACE_SECONDS + 2
    assert limits.patience(5000) == 10


def test_any_speed_is_good_enough_without_a_rate() -> None:
    assert BodyLimits(bytes=1000, timeout_s=10, bytes_per_s=0).patience(0) == 10


def test_the_refusal_says_what_was_too_slow() -> None:
    limits = BodyLimits(bytes=1000, timeout_s=10, bytes_per_s=100)
    assert limits.too_slow(0).problem is BODY_TIMEOUT
    assert "100 bytes per second" in limits.too_slow(0).detail
    assert "after 10 s" in limits.too_slow(5000).detail
