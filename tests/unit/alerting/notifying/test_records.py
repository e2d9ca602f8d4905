"""What is on record of a group fits into records of any broker, however many alerts it has."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.alerter.states.merging import forget, is_meant, merge
from shared.alerting.board import Board
from shared.alerting.lifecycle import fingerprint
from shared.alerting.notifying.records import MOST, by_group, divided
from shared.contracts.alerts import NotifiedAlert
from shared.contracts.topics import MAX_RECORD_BYTES
from tests.support.notifications import BEGAN, notification

NAMES = [fingerprint("Late", (("table", str(number)),)) for number in range(40)]


def told(transition: int = 2_000_000_000, state: str = "resolved") -> NotifiedAlert:
    return NotifiedAlert.model_validate({"transition": transition, "state": state})


@given(st.sets(st.sampled_from(NAMES)), st.integers(1, 12))
def test_all_that_was_told_is_in_parts_of_bounded_size(names: set[str], most: int) -> None:
    everything = {name: told(number + 1) for number, name in enumerate(sorted(names))}
    parts = divided(everything, most)
    assert {name: each for part in parts.values() for name, each in part.items()} == everything
    assert max(map(len, parts.values())) <= most
    assert all(name.startswith(part) for part, of_it in parts.items() for name in of_it)


def test_a_record_of_as_many_alerts_as_it_may_have_is_far_below_the_limit() -> None:
    alerts = {f"{number:016x}": told() for number in range(MOST)}
    long = replace(notification(), group="g" * 10_000, told=alerts, begun=alerts)
    for record in (*long.taken(0), *long.telling(0)):
        assert sum(map(len, record.encode()[:2])) < MAX_RECORD_BYTES / 4
    more = replace(long, told={**alerts, "f" * 16: told()})
    assert [len(each.alerts) for each in more.taken(0)] == [MOST, 1]


@given(st.lists(st.tuples(st.sets(st.sampled_from(NAMES), min_size=1), st.integers(1, 12))))
def test_a_group_is_known_whole_however_it_was_divided_when(
    history: list[tuple[set[str], int]],
) -> None:
    board, expected = Board(), dict[str, NotifiedAlert]()
    for number, (names, most) in enumerate(history):
        expected |= {name: told(number + 1, "firing") for name in names}
        whole = replace(notification(), told=dict(expected))
        at = BEGAN.timestamp() + number
        for part, of_it in divided(whole.told, most).items():
            (record,) = replace(whole, told=of_it, repeat=number).taken(at)
            merge(board, record.model_copy(update={"part": part}), own=True)
    for records in by_group(board.notified.values()).values():
        assert records.taken == expected
        assert records.last is not None
        assert records.last.repeat == len(history) - 1
        assert dict(records.believed_firing()) == expected


def test_parts_stand_beside_each_other_and_are_forgotten_like_others() -> None:
    (whole,) = notification().taken(BEGAN.timestamp())
    board = Board()
    parts = [whole.model_copy(update={"part": part}) for part in ("", "0", "a1")]
    begun = [each.model_copy(update={"taken": False}) for each in parts]
    for each in (*parts, *begun):
        assert merge(board, each, own=False)
    assert len(board.notified) == len({each.event_id() for each in board.notified.values()}) == 6
    late = BEGAN.replace(year=BEGAN.year + 1)
    for key in list(board.notified):
        assert is_meant(board, key, late)
        assert forget(board, key)
    assert not board.notified
