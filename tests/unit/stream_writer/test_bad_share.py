"""A table stops when most of what arrives is bad, and goes on when an operator says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.stream_writer.bad_share import BadShareGate


@pytest.fixture
def gate() -> BadShareGate:
    """More than half bad, at least ten of them, among the last hundred."""
    return BadShareGate(share=0.5, minimum=10, window=100)


def test_good_records_pass(gate: BadShareGate) -> None:
    assert all(gate.admit(100, 0) for _ in range(20))


def test_few_bad_records_pass_whatever_their_share(gate: BadShareGate) -> None:
    assert gate.admit(9, 9)


def test_enough_bad_records_trip_it(gate: BadShareGate) -> None:
    assert not gate.admit(10, 10)


def test_exactly_the_share_passes(gate: BadShareGate) -> None:
    assert gate.admit(40, 20)
    assert not gate.admit(1, 1)


def test_bad_records_add_up_over_batches(gate: BadShareGate) -> None:
    assert gate.admit(5, 5)
    assert not gate.admit(5, 5)


def test_old_good_records_are_forgotten(gate: BadShareGate) -> None:
    """A long good past does not hide that everything is bad now."""
    for _ in range(1_000):
        assert gate.admit(100, 0)
    assert [gate.admit(30, 30) for _ in range(5)].count(False) >= 1


def test_old_bad_records_are_forgotten(gate: BadShareGate) -> None:
    assert gate.admit(9, 9)
    assert gate.admit(200, 0)
    assert gate.admit(9, 9)


def test_what_is_refused_is_not_remembered(gate: BadShareGate) -> None:
    """It will be offered again, so counting it would make a stop permanent."""
    for _ in range(50):
        assert not gate.admit(10, 10)
    assert gate.admit(10, 0)


def test_after_resume_the_same_batch_passes(gate: BadShareGate) -> None:
    assert not gate.admit(10, 10)
    gate.resume()
    assert gate.admit(10, 10)
    assert gate.admit(50, 50)


def test_after_resume_it_trips_again_only_once_the_share_was_fine(gate: BadShareGate) -> None:
    gate.resume()
    assert gate.admit(100, 100)
    assert gate.admit(1_000, 0)
    assert not gate.overridden
    assert not gate.admit(2_000, 2_000)


@given(
    st.lists(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))),
    st.floats(0.05, 0.95),
    st.integers(1, 50),
)
def test_it_trips_exactly_when_window_and_batch_are_bad(
    batches: list[tuple[int, int]], share: float, minimum: int
) -> None:
    gate = BadShareGate(share, minimum, window=100)
    admitted: list[tuple[int, int]] = []
    for rows, bad in batches:
        window: list[tuple[int, int]] = []
        for each in reversed(admitted):  # as many whole batches as it takes to fill the window
            if sum(n for n, _ in window) >= max(100, minimum):
                break
            window.append(each)
        total = rows + sum(n for n, _ in window)
        total_bad = bad + sum(b for _, b in window)
        expected = not (total_bad >= minimum and total_bad > share * total)
        assert gate.admit(rows, bad) == expected
        if expected:
            admitted.append((rows, bad))
