"""The same event again is a redelivery; the same record again, or a replay of ours, is none."""

from __future__ import annotations

from itertools import count

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.stream_writer.redeliveries import RedeliveryMemory


def rows(*events: tuple[str | None, str | None, int], replayed: bool = False) -> pa.Table:
    """Of (event type, event id, offset)."""
    types, ids, offsets = zip(*events, strict=True) if events else ((), (), ())
    return pa.table(
        {
            "_event_type": pa.array(types, pa.large_string()),
            "_event_id": pa.array(ids, pa.large_string()),
            "_offset": pa.array(offsets, pa.int64()),
            "_replayed": pa.array([replayed] * len(events), pa.bool_()),
        }
    )


CREATED, UPDATED = "orders/create", "orders/updated"


@pytest.mark.parametrize(
    ("events", "again"),
    [
        pytest.param([(CREATED, "a", 1), (CREATED, "b", 2)], 0, id="two events"),
        pytest.param([(CREATED, "a", 1), (CREATED, "a", 2)], 1, id="one, twice"),
        pytest.param([(CREATED, "a", n) for n in range(5)], 4, id="one, five times"),
        pytest.param([(CREATED, "a", 1), (UPDATED, "a", 2)], 0, id="one act, told as two types"),
        pytest.param([(CREATED, None, 1), (CREATED, None, 2)], 0, id="without an id"),
        pytest.param([(None, "a", 1), (None, "a", 2)], 1, id="without a type"),
        pytest.param([("a", "b", 1), ("", "a\0b", 2)], 0, id="an empty type"),
        pytest.param([], 0, id="nothing"),
    ],
)
def test_what_is_counted(events: list[tuple[str | None, str | None, int]], again: int) -> None:
    assert RedeliveryMemory().count(rows(*events)) == again
    memory = RedeliveryMemory()
    assert sum(memory.count(rows(event)) for event in events) == again


def test_reading_a_record_again_is_no_redelivery() -> None:
    memory = RedeliveryMemory()
    assert [memory.count(rows((CREATED, "a", 7))) for _ in range(3)] == [0, 0, 0]


def test_a_replay_is_ours_and_not_the_vendors() -> None:
    memory = RedeliveryMemory()
    memory.count(rows((CREATED, "a", 1)))
    assert memory.count(rows((CREATED, "a", 2), replayed=True)) == 0
    assert memory.count(rows((CREATED, "a", 3))) == 1


def test_the_memory_is_bounded_and_forgets_the_oldest() -> None:
    memory = RedeliveryMemory(capacity=3)
    assert memory.count(rows(*((CREATED, str(n), n) for n in range(10)))) == 0
    assert len(memory) == 3
    assert memory.count(rows((CREATED, "9", 20), (CREATED, "0", 21))) == 1


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from(["", "a", "b", "\0a"])),
        max_size=30,
    ),
    st.integers(1, 7),
)
def test_within_its_bounds_it_counts_whatever_was_there_before(
    events: list[tuple[str, str]], commit: int
) -> None:
    offset = count()
    placed = [(type_, id_, next(offset)) for type_, id_ in events]
    memory = RedeliveryMemory()
    counted = sum(
        memory.count(rows(*placed[first : first + commit]))
        for first in range(0, len(placed), commit)
    )
    assert counted == len(events) - len({f"{type_}\0{id_}" for type_, id_ in events})
