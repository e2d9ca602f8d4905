"""Batches wait contiguously per partition, and what waits is counted exactly."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.stream_writer.buffer import TableBuffer, Verdict
from tests.support.batches import batch
from tests.support.lake import TOPIC

P0, P1 = (TOPIC, 0), (TOPIC, 1)


def expecting(offset: int = 0) -> TableBuffer:
    buffer = TableBuffer()
    buffer.expect(P0, offset)
    return buffer


class TestAdd:
    def test_contiguous_batches_are_taken(self) -> None:
        buffer = expecting(5)
        assert buffer.add(batch(5, 8), 1.0) is Verdict.TAKEN
        assert buffer.add(batch(8, 9), 2.0) is Verdict.TAKEN
        assert buffer.take().span(P0) == (5, 9)

    def test_a_batch_without_records_continues_its_partition(self) -> None:
        buffer = expecting()
        assert buffer.add(batch(0, 4, missing=range(4)), 0.0) is Verdict.TAKEN
        assert (buffer.rows, bool(buffer)) == (0, True)
        assert buffer.add(batch(4, 6), 0.0) is Verdict.TAKEN

    def test_a_hole_is_not_taken(self) -> None:
        buffer = expecting(5)
        assert buffer.add(batch(6, 8), 0.0) is Verdict.HOLE
        assert not buffer
        assert buffer.add(batch(5, 8), 0.0) is Verdict.TAKEN

    def test_what_is_buffered_already_is_seen(self) -> None:
        buffer = expecting()
        buffer.add(batch(0, 5), 0.0)
        assert buffer.add(batch(0, 5), 0.0) is Verdict.SEEN
        assert buffer.add(batch(2, 4), 0.0) is Verdict.SEEN
        assert buffer.add(batch(5, 5), 0.0) is Verdict.SEEN
        assert buffer.rows == 5

    def test_what_is_being_committed_is_seen(self) -> None:
        buffer = expecting()
        buffer.add(batch(0, 5), 0.0)
        buffer.take()
        assert buffer.add(batch(0, 5), 0.0) is Verdict.SEEN
        assert buffer.add(batch(5, 7), 0.0) is Verdict.TAKEN

    def test_an_overlap_with_what_was_taken_is_taken_whole(self) -> None:
        buffer = expecting(5)
        assert buffer.add(batch(2, 8), 0.0) is Verdict.TAKEN
        assert buffer.take().span(P0) == (2, 8)

    def test_an_overlap_inside_one_piece_of_work_is_read_again(self) -> None:
        """Two batches of one piece of work must not hold the same offset."""
        buffer = expecting()
        buffer.add(batch(0, 5), 0.0)
        assert buffer.add(batch(3, 8), 0.0) is Verdict.HOLE
        assert buffer.take().span(P0) == (0, 5)

    def test_a_partition_that_is_not_expected_is_not_taken(self) -> None:
        buffer = expecting()
        assert buffer.add(batch(0, 5, 1), 0.0) is Verdict.SEEN
        assert not buffer

    def test_partitions_are_contiguous_each_for_itself(self) -> None:
        buffer = expecting(5)
        buffer.expect(P1, 70)
        assert buffer.add(batch(70, 72, 1), 0.0) is Verdict.TAKEN
        assert buffer.add(batch(5, 6), 0.0) is Verdict.TAKEN
        assert buffer.add(batch(72, 73, 1), 0.0) is Verdict.TAKEN
        work = buffer.take()
        assert (work.span(P0), work.span(P1), work.rows) == ((5, 6), (70, 73), 4)


class TestAge:
    def test_the_first_batch_sets_the_age(self) -> None:
        buffer = expecting()
        assert buffer.oldest is None
        buffer.add(batch(0, 1), 3.0)
        buffer.add(batch(1, 2), 4.0)
        assert buffer.oldest == 3.0

    def test_an_empty_buffer_has_none(self) -> None:
        buffer = expecting()
        buffer.add(batch(0, 1), 3.0)
        buffer.take()
        assert buffer.oldest is None
        buffer.add(batch(1, 2), 5.0)
        assert buffer.oldest == 5.0
        buffer.drop(P0)
        assert buffer.oldest is None


class TestDrop:
    def test_a_dropped_partition_takes_its_batches_along(self) -> None:
        buffer = expecting()
        buffer.expect(P1, 0)
        buffer.add(batch(0, 5), 0.0)
        buffer.add(batch(0, 3, 1), 0.0)
        buffer.drop(P0)
        assert buffer.rows == 3
        assert buffer.add(batch(5, 6), 0.0) is Verdict.SEEN
        assert list(buffer.take().batches) == [P1]

    def test_dropping_what_is_not_there_does_nothing(self) -> None:
        buffer = expecting()
        buffer.add(batch(0, 5), 0.0)
        buffer.drop(P1)
        assert buffer.rows == 5

    def test_expecting_another_offset_drops_what_waits(self) -> None:
        buffer = expecting()
        buffer.add(batch(0, 5), 0.0)
        buffer.expect(P0, 2)
        assert (buffer.rows, buffer.bytes, bool(buffer)) == (0, 0, False)
        assert buffer.add(batch(2, 4), 0.0) is Verdict.TAKEN


actions = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 2), st.integers(0, 30), st.integers(0, 8)),
    st.tuples(st.just("expect"), st.integers(0, 2), st.integers(0, 30)),
    st.tuples(st.just("drop"), st.integers(0, 2)),
    st.tuples(st.just("take")),
)


@given(st.lists(actions, max_size=60))
def test_counters_are_what_waits_and_what_waits_is_contiguous(steps: list[tuple[str, int]]) -> None:
    buffer = TableBuffer()
    expected: dict[tuple[str, int], int] = {}
    added = taken = dropped = 0
    for name, *arguments in steps:
        before = buffer.rows
        match name, arguments:
            case "add", [partition, start, length]:
                offered = batch(start, start + length, partition)
                if buffer.add(offered, 1.0) is Verdict.TAKEN:
                    assert start <= expected[offered.key] < offered.end, "a hole was taken"
                    expected[offered.key] = offered.end
                    added += length
            case "expect", [partition, offset]:
                buffer.expect((TOPIC, partition), offset)
                expected[TOPIC, partition] = offset
                dropped += before - buffer.rows
            case "drop", [partition]:
                buffer.drop((TOPIC, partition))
                expected.pop((TOPIC, partition), None)
                dropped += before - buffer.rows
            case _:
                work = buffer.take()
                batches = [each for of_key in work.batches.values() for each in of_key]
                assert work.rows == sum(len(each.records) for each in batches)
                assert work.bytes == sum(each.bytes for each in batches)
                for of_key in work.batches.values():
                    for left, right in pairwise(of_key):
                        assert left.end == right.start
                taken += work.rows
        assert buffer.rows >= 0
        assert buffer.bytes >= 0
        assert (buffer.oldest is None) == (not buffer)
        assert added == taken + dropped + buffer.rows
