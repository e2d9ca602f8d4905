"""Whatever was told of partitions, and by whom: in the end the topic says how they stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.stream_writer.partition_board import STEADY_S, PartitionBoard, Stop
from shared.contracts.event import Event
from shared.contracts.partitions import PartitionResumed, PartitionStopped

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
TABLE = "raw.orders"
KEY = ("shop.orders", 0)
REPLACED = Stop("log_replaced", "LogReplaced: …", "bergline offsets adopt …")
BAD = Stop("too_many_bad_records", "TooManyBadRecords: …")


def words(events: list[Event]) -> list[str]:
    return [
        event.reason if isinstance(event, PartitionStopped) else "resumed"
        for event in events
        if isinstance(event, PartitionStopped | PartitionResumed)
    ]


def tell(*boards: PartitionBoard, by: PartitionBoard) -> list[str]:
    """Everybody hears what one has to tell."""
    due = by.due()
    for event in due:
        for board in boards:
            board.heard(event)
    return words(due)


def test_a_stop_is_told_once_with_what_settles_it_and_since_when() -> None:
    board = PartitionBoard("w/1")
    board.stopped(TABLE, KEY, REPLACED, NOON)
    board.stopped(TABLE, KEY, REPLACED, NOON + timedelta(seconds=3))
    [event] = board.due()
    assert isinstance(event, PartitionStopped)
    assert (event.key(), event.table, event.reason) == ("shop.orders/0", TABLE, "log_replaced")
    assert (event.detail, event.command) == (REPLACED.text, REPLACED.command)
    assert event.stopped_at == NOON
    board.heard(event)
    assert board.due() == []


def test_another_reason_is_told_and_a_partition_that_flows_is_told_if_it_had_stopped() -> None:
    board = PartitionBoard("w/1")
    board.flows(TABLE, KEY, NOON)
    assert tell(board, by=board) == []
    board.stopped(TABLE, KEY, REPLACED, NOON)
    assert tell(board, by=board) == ["log_replaced"]
    board.stopped(TABLE, KEY, BAD, NOON)
    assert tell(board, by=board) == ["too_many_bad_records"]
    board.flows(TABLE, KEY, NOON)
    assert tell(board, by=board) == ["resumed"]
    assert tell(board, by=board) == []


def test_what_is_tried_again_and_fails_again_is_not_told_to_go_on_meanwhile() -> None:
    """Else its alert would be over and come back every few seconds."""
    now = NOON
    corrupt = Stop("corrupt_records", "CorruptRecords: …")
    board = PartitionBoard("w/1", lambda: now)
    board.stopped(TABLE, KEY, corrupt, now)
    assert tell(board, by=board) == ["corrupt_records"]
    for _ in range(3):
        now += timedelta(seconds=3)
        board.flows(TABLE, KEY, now)
        now += timedelta(seconds=10)
        assert tell(board, by=board) == []
        assert board.due_in() == STEADY_S - 10
        board.stopped(TABLE, KEY, corrupt, now)
        assert tell(board, by=board) == []
        assert board.due_in() is None
    board.flows(TABLE, KEY, now)
    now += timedelta(seconds=STEADY_S)
    assert board.due_in() == 0
    assert tell(board, by=board) == ["resumed"]
    assert board.due_in() is None


def test_a_partition_that_goes_to_another_worker_keeps_its_state_until_that_one_tells() -> None:
    one, other = PartitionBoard("w/1"), PartitionBoard("w/2")
    one.stopped(TABLE, KEY, REPLACED, NOON)
    tell(one, other, by=one)
    one.released(KEY)
    assert tell(one, other, by=one) == []
    assert tell(one, other, by=other) == [], "it is not settled there yet"
    other.flows(TABLE, KEY, NOON)
    assert tell(one, other, by=other) == ["resumed"]


def test_a_word_of_a_worker_that_lost_the_partition_is_corrected_by_its_owner() -> None:
    one, other = PartitionBoard("w/1"), PartitionBoard("w/2")
    one.stopped(TABLE, KEY, REPLACED, NOON)
    late = one.due()
    other.flows(TABLE, KEY, NOON)
    assert other.due() == []
    for event in late:
        other.heard(event)
    assert tell(other, by=other) == ["resumed"]


MOVES = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.integers(0, 1),
        st.sampled_from(["flows", "released", "log_replaced", "too_many_bad_records", "tell"]),
    ),
    max_size=40,
)


@given(moves=MOVES)
def test_when_owners_have_told_the_topic_says_how_every_partition_stands(
    moves: list[tuple[int, int, str]],
) -> None:
    """Partitions change hands as they like; telling is lost but for the last time."""
    boards = [PartitionBoard("w/0"), PartitionBoard("w/1")]
    truth: dict[int, str] = {}
    topic: dict[int, str] = {}

    def told(worker: int) -> None:
        for event in boards[worker].due():
            if isinstance(event, PartitionStopped):
                topic[event.partition] = event.reason
            elif isinstance(event, PartitionResumed):
                topic[event.partition] = "flows"
            for board in boards:
                board.heard(event)

    for worker, number, move in moves:
        key = (KEY[0], number)
        if move == "tell":
            told(worker)
            continue
        for board in boards:
            board.released(key)
        truth.pop(number, None)
        if move == "released":
            continue
        truth[number] = move
        if move == "flows":
            boards[worker].flows(TABLE, key, NOON)
        else:
            boards[worker].stopped(TABLE, key, Stop(move, "…"), NOON)
    told(0)
    told(1)
    assert not boards[0].due()
    assert not boards[1].due()
    for number, state in truth.items():
        assert topic.get(number, "flows") == state
