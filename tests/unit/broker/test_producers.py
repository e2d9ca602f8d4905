import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.broker.errors import ErrorCode, KafkaError
from deploy.embedded.broker.producers import KNOWN_BATCHES, ProducerStates
from deploy.embedded.broker.record_batch import BatchHeader

NOW_MS = 1_000_000


def header(sequence: int, count: int = 2, epoch: int = 0, producer: int = 7) -> BatchHeader:
    return BatchHeader(0, 100, 0, 2, 0, 0, count - 1, 0, 0, producer, epoch, sequence, count)


def filled(states: ProducerStates, batches: int) -> ProducerStates:
    for number in range(batches):
        assert states.admit(header(number * 2)) is None
        states.record(header(number * 2), number * 2, NOW_MS)
    return states


def code_of(states: ProducerStates, batch: BatchHeader) -> ErrorCode:
    with pytest.raises(KafkaError) as error:
        states.admit(batch)
    return error.value.code


def test_the_last_five_batches_are_known() -> None:
    states = filled(ProducerStates(), 8)
    for number in range(8 - KNOWN_BATCHES, 8):
        known = states.admit(header(number * 2))
        assert known is not None
        assert known.base_offset == number * 2
    assert code_of(states, header(2)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_gap_other_length_old_epoch_and_late_start_of_an_epoch_are_refused() -> None:
    states = filled(ProducerStates(), 2)
    assert code_of(states, header(20)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert code_of(states, header(2, count=1)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert code_of(states, header(5, epoch=1)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert states.admit(header(0, epoch=1)) is None
    states.record(header(0, epoch=1), 4, NOW_MS)
    assert code_of(states, header(4)) is ErrorCode.INVALID_PRODUCER_EPOCH


def test_sequences_wrap_after_the_largest_number() -> None:
    states = ProducerStates()
    states.record(header(2**31 - 1), 0, NOW_MS)
    assert states.admit(header(1)) is None


def test_an_unknown_producer_may_start_anywhere() -> None:
    assert ProducerStates().admit(header(99)) is None


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(0, 30))
def test_undoing_restores_the_state_exactly(producers: list[int], kept: int) -> None:
    states = ProducerStates()
    following = dict.fromkeys(range(4), 0)
    undo, expected = [], ProducerStates().dump()
    for number, producer in enumerate(producers):
        if number == kept:
            expected = sorted(states.copy().dump(), key=str)
        batch = header(following[producer], producer=producer)
        following[producer] += 2
        assert states.admit(batch) is None
        undo.append((number, producer, states.record(batch, number, NOW_MS)))
    if kept >= len(producers):
        return
    for number, producer, previous in reversed(undo):
        if number >= kept:
            states.restore(producer, previous)
    assert sorted(states.dump(), key=str) == expected


def test_a_dump_loads_to_the_same_states() -> None:
    states = filled(ProducerStates(), 8)
    assert ProducerStates.load(states.dump()).dump() == states.dump()  # type: ignore[arg-type]


def test_silent_producers_and_those_beyond_the_limit_are_forgotten() -> None:
    states = ProducerStates(limit=2)
    for producer in (1, 2, 3):
        states.record(header(0, producer=producer), producer, NOW_MS)
    assert len(states) == 2
    states.expire(NOW_MS + 1)
    assert len(states) == 0
