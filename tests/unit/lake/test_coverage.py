"""What of a fetched range is new: never skips an offset, never repeats one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.lake.coverage import Behind, Covered, Fresh, Range, decide
from shared.lake.positions import Positions

TOPIC = "shop.events"


def standing_at(offset: int | None) -> Positions:
    return Positions() if offset is None else Positions().adopt(TOPIC, 0, at=offset, reason="test")


@pytest.mark.parametrize(
    ("at", "start", "end", "expected"),
    [
        (10, 0, 5, Covered()),
        (10, 0, 10, Covered()),
        (10, 10, 10, Covered()),
        (10, 0, 11, Fresh(10)),
        (10, 9, 20, Fresh(10)),
        (10, 10, 20, Fresh(10)),
        (10, 11, 20, Behind(10)),
        (0, 5, 6, Behind(0)),
        (None, 5, 10, Behind(None)),
    ],
)
def test_the_recorded_position_decides(
    at: int | None, start: int, end: int, expected: object
) -> None:
    assert decide(standing_at(at), Range(TOPIC, 0, start, end)) == expected


def test_a_partition_never_seen_begins_at_its_logs_start_only() -> None:
    assert decide(Positions(), Range(TOPIC, 0, 7, 9, from_log_start=True)) == Fresh(7)
    assert decide(Positions(), Range(TOPIC, 0, 7, 9)) == Behind(None)


def test_once_seen_the_logs_start_means_nothing() -> None:
    assert decide(standing_at(3), Range(TOPIC, 0, 7, 9, from_log_start=True)) == Behind(3)


def test_partitions_and_topics_stand_for_themselves() -> None:
    assert decide(standing_at(10), Range(TOPIC, 1, 10, 20)) == Behind(None)
    assert decide(standing_at(10), Range("other", 0, 10, 20)) == Behind(None)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_every_offset_is_covered_or_fresh_or_the_range_is_refused(
    at: int, start: int, length: int
) -> None:
    fetched = range(start, start + length)
    match decide(standing_at(at), Range(TOPIC, 0, fetched.start, fetched.stop)):
        case Covered():
            assert all(offset < at for offset in fetched)
        case Fresh(first):
            assert first == at, "an offset would be skipped or repeated"
            assert first in fetched
        case Behind(position):
            assert position == at < fetched.start


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10)), max_size=40))
def test_whatever_is_offered_the_table_holds_a_gapless_prefix(
    offers: list[tuple[int, int]],
) -> None:
    positions, landed = standing_at(0), list[int]()
    for start, length in offers:
        match decide(positions, Range(TOPIC, 0, start, start + length)):
            case Fresh(first):
                fresh = range(first, start + length)
                landed += fresh
                positions = positions.advance(
                    TOPIC,
                    0,
                    start=first,
                    end=fresh.stop,
                    rows=len(fresh),
                    errors=0,
                    tail=None,
                )
    assert landed == list(range(len(landed)))
    assert positions.next_offset(TOPIC, 0) == len(landed)
