"""What is let in at once is bounded, and everything let in is given back."""

import pytest

from services.ingest.admission import Admission, RateLimit
from services.ingest.problem import OVERLOADED, Refused


def test_a_hold_gives_its_room_back_at_the_end_of_its_context() -> None:
    admission = Admission(max_deliveries=1, max_bytes=10)
    with admission.hold() as hold:
        hold.grow(4)
        hold.grow(6)
        assert (admission.deliveries, admission.bytes) == (1, 10)
    assert (admission.deliveries, admission.bytes) == (0, 0)


def test_a_refused_request_gives_its_room_back_too() -> None:
    admission = Admission(max_deliveries=1, max_bytes=10)
    with pytest.raises(Refused) as refused, admission.hold() as hold:
        hold.grow(11)
    assert refused.value.problem is OVERLOADED
    assert refused.value.headers["Retry-After"] == "5"
    assert (admission.deliveries, admission.bytes) == (0, 0)


def test_no_more_deliveries_than_the_bound() -> None:
    admission = Admission(max_deliveries=2, max_bytes=10)
    with admission.hold(), admission.hold(), pytest.raises(Refused, match="2 deliveries"):
        admission.hold()


def test_a_lent_hold_outlives_its_context_until_it_is_given_back() -> None:
    admission = Admission(max_deliveries=1, max_bytes=10)
    with admission.hold() as hold:
        hold.grow(5)
        hold.lend()
    assert (admission.deliveries, admission.bytes) == (1, 5)
    hold.give_back()
    assert (admission.deliveries, admission.bytes) == (0, 0)


def test_the_rate_limit_lets_a_seconds_worth_pass_and_then_names_the_wait() -> None:
    now = 100.0
    limit = RateLimit(per_second=4, clock=lambda: now)
    assert [limit.take() for _ in range(4)] == [0, 0, 0, 0]
    assert limit.take() == pytest.approx(0.25)
    now += 0.25
    assert limit.take() == 0
    assert limit.take() > 0
    now += 3600
    assert [limit.take() for _ in range(5)] == [0, 0, 0, 0, pytest.approx(0.25)]


def test_without_a_rate_everything_passes() -> None:
    limit = RateLimit(per_second=0, clock=lambda: 0.0)
    assert {limit.take() for _ in range(1000)} == {0.0}
