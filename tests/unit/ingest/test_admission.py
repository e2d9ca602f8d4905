"""What is let in at once is bounded, and everything let in is given back."""

import pytest

from services.ingest.admission import Admission
from services.ingest.problem import OVERLOADED, Refused


def test_a_hold_gives_its_room_back_at_the_end_of_its_context() -> None:
    admission = Admission(max_deliveries=1, max_bytes=10)
    with admission.room("some").hold() as hold:
        hold.grow(4)
        hold.grow(6)
        assert (admission.deliveries, admission.bytes) == (1, 10)
    assert (admission.deliveries, admission.bytes) == (0, 0)


def test_a_refused_request_gives_its_room_back_too() -> None:
    admission = Admission(max_deliveries=1, max_bytes=10)
    with pytest.raises(Refused) as refused, admission.room("some").hold() as hold:
        hold.grow(11)
    assert refused.value.problem is OVERLOADED
    assert refused.value.headers["Retry-After"] == "5"
    assert (admission.deliveries, admission.bytes) == (0, 0)


def test_no_more_deliveries_than_the_bound() -> None:
    room = Admission(max_deliveries=2, max_bytes=10).room("some")
    with room.hold(), room.hold(), pytest.raises(Refused, match="2 deliveries"):
        room.hold()


def test_a_lent_hold_outlives_its_context_until_it_is_given_back() -> None:
    admission = Admission(max_deliveries=1, max_bytes=10)
    with admission.room("some").hold() as hold:
        hold.grow(5)
        hold.lend()
    assert (admission.deliveries, admission.bytes) == (1, 5)
    hold.give_back()
    assert (admission.deliveries, admission.bytes) == (0, 0)


def test_one_source_leaves_room_for_others() -> None:
    admission = Admission(max_deliveries=4, max_bytes=100, source_share=0.5)
    greedy, other = admission.room("greedy"), admission.room("other")
    with greedy.hold() as first, greedy.hold():
        with pytest.raises(Refused, match="2 deliveries of greedy"):
            greedy.hold()
        first.grow(50)
        with pytest.raises(Refused, match="50 bytes of greedy's bodies"):
            first.grow(1)
        with other.hold() as hold:
            hold.grow(50)
    assert (greedy.deliveries, greedy.bytes, other.deliveries, other.bytes) == (0, 0, 0, 0)
    assert (admission.deliveries, admission.bytes) == (0, 0)
