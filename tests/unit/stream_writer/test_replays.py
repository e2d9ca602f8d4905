"""The same delivery at another place is a replay; the same record read again is not."""

from __future__ import annotations

from services.stream_writer.replays import Place, ReplayMemory


def replayed(memory: ReplayMemory, *deliveries: tuple[str, Place]) -> list[int]:
    ids, places = [delivery for delivery, _ in deliveries], [place for _, place in deliveries]
    return memory.replayed(ids, places)


def test_a_new_delivery_is_no_replay() -> None:
    memory = ReplayMemory()
    assert not replayed(memory, ("a", ("t", 0, 1)), ("b", ("t", 0, 2)))
    assert not replayed(memory, ("c", ("t", 0, 3)))
    assert not replayed(memory)


def test_the_same_delivery_elsewhere_is_a_replay_however_often() -> None:
    memory = ReplayMemory()
    replayed(memory, ("a", ("t", 0, 1)))
    found = replayed(
        memory, ("a", ("t", 0, 2)), ("b", ("t", 0, 3)), ("a", ("t", 1, 1)), ("a", ("u", 0, 1))
    )
    assert found == [0, 2, 3]


def test_a_replay_within_the_same_batch_is_one() -> None:
    assert replayed(ReplayMemory(), ("a", ("t", 0, 1)), ("a", ("t", 0, 2))) == [1]


def test_reading_the_same_record_again_is_no_replay() -> None:
    memory = ReplayMemory()
    replayed(memory, ("a", ("t", 0, 1)), ("a", ("t", 0, 2)))
    assert replayed(memory, ("a", ("t", 0, 1)), ("a", ("t", 0, 2))) == [1]


def test_reading_again_from_before_what_is_remembered_marks_the_repeat_and_not_the_first() -> None:
    memory = ReplayMemory()
    memory.learn([("a", ("t", 0, 20))])  # the first one came too long ago
    assert replayed(memory, ("a", ("t", 0, 10)), ("a", ("t", 0, 20))) == [1]


def test_what_a_table_holds_can_be_learnt() -> None:
    memory = ReplayMemory()
    memory.learn([("a", ("t", 0, 1)), ("b", ("t", 0, 2))])
    assert len(memory) == 2
    assert replayed(memory, ("a", ("t", 0, 7)), ("b", ("t", 0, 2))) == [0]


def test_the_oldest_are_forgotten() -> None:
    memory = ReplayMemory(capacity=3)
    for first in range(0, 10, 2):
        numbers = range(first, first + 2)
        replayed(memory, *((str(number), ("t", 0, number)) for number in numbers))
        assert len(memory) <= 3
    assert replayed(memory, ("0", ("t", 9, 9)), ("9", ("t", 9, 9))) == [1]
