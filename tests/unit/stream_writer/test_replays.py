"""The same delivery at another place is a replay; the same record read again is not."""

from __future__ import annotations

from services.stream_writer.replays import ReplayMemory


def test_a_new_delivery_is_no_replay() -> None:
    memory = ReplayMemory()
    assert not memory.replayed("a", ("t", 0, 1))
    assert not memory.replayed("b", ("t", 0, 2))


def test_the_same_delivery_elsewhere_is_a_replay_however_often() -> None:
    memory = ReplayMemory()
    memory.replayed("a", ("t", 0, 1))
    assert memory.replayed("a", ("t", 0, 2))
    assert memory.replayed("a", ("t", 1, 1))
    assert memory.replayed("a", ("u", 0, 1))


def test_reading_the_same_record_again_is_no_replay() -> None:
    memory = ReplayMemory()
    memory.replayed("a", ("t", 0, 1))
    memory.replayed("a", ("t", 0, 2))
    assert not memory.replayed("a", ("t", 0, 1))
    assert memory.replayed("a", ("t", 0, 2))


def test_what_a_table_holds_can_be_learnt() -> None:
    memory = ReplayMemory()
    memory.learn([("a", ("t", 0, 1)), ("b", ("t", 0, 2))])
    assert len(memory) == 2
    assert memory.replayed("a", ("t", 0, 7))
    assert not memory.replayed("b", ("t", 0, 2))


def test_the_oldest_are_forgotten() -> None:
    memory = ReplayMemory(capacity=3)
    for number in range(10):
        memory.replayed(str(number), ("t", 0, number))
        assert len(memory) <= 3
    assert not memory.replayed("0", ("t", 9, 9))
    assert memory.replayed("9", ("t", 9, 9))
