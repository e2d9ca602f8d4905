"""What others said is merged with what is known here, in whatever order it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.journal.journal import Journal
from services.alerter.journal.lines import Kept
from services.alerter.states.alert_states import AlertStates
from services.alerter.states.forgetting import OVER_S, UNTOLD_S, forgettable
from services.alerter.states.merging import events, forget, merge
from shared.alerting.board import Board
from shared.contracts.alerts import (
    AlertAcknowledged,
    AlertChanged,
    AlertNotified,
    AlertSilenced,
    Matcher,
    NotifiedAlert,
)
from shared.contracts.event import Event
from tests.support.notifications import BEGAN, alert, notification, taken

A = alert(table="a")
OVER = alert(table="a", state="resolved", transition=3)
NOW = datetime(2026, 1, 10, tzinfo=UTC)
ACKNOWLEDGED = AlertAcknowledged(
    fingerprint=A.fingerprint,
    active_at=A.active_at,
    actor="maren",
    command_id="c",
    acknowledged_at=BEGAN,
)
SILENCED = AlertSilenced(
    silence_id="s",
    matchers=(Matcher(label="table", value="a"),),
    starts_at=BEGAN,
    ends_at=BEGAN + timedelta(hours=1),
    actor="maren",
    command_id="s",
    silenced_at=BEGAN,
)


@dataclass
class Record:
    """As aiokafka has them."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]
    timestamp: int = 0


def record(event: Event) -> Record:
    return Record(*event.encode())


def tombstone(key: str, at: datetime = NOW) -> Record:
    return Record(key.encode(), None, [], int(at.timestamp() * 1000))


def changed(event: AlertChanged, transition: int) -> AlertChanged:
    return event.model_copy(update={"transition": transition})


def board(*said: Event) -> Board:
    made = Board()
    for each in said:
        merge(made, each, own=False)
    return made


@pytest_asyncio.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    made = Journal(tmp_path)
    yield made
    await made.close()


def following(journal: Journal, news: list[Event | None] | None = None) -> AlertStates:
    """Of a topic that was read to its end."""
    states = AlertStates(journal, lambda event: None if news is None else news.append(event))
    states.read_to_the_end()
    return states


@pytest.mark.asyncio
async def test_what_is_over_by_the_end_of_the_topic_never_fires(journal: Journal) -> None:
    await journal.append([changed(alert(table="b", state="resolved"), 3)])
    news: list[Event | None] = []
    states = AlertStates(journal, news.append)
    states.on_record(record(A))
    states.on_record(record(taken(notification([A]), BEGAN.timestamp())))
    assert (news, journal.board.notified) == ([], {}), "that may have been long ago"
    told = taken(notification([OVER]), BEGAN.timestamp() + 9)
    for each in (OVER, told, SILENCED):
        states.on_record(record(each))
    states.on_record(tombstone(alert(table="b").fingerprint))
    states.read_to_the_end()
    states.read_to_the_end()
    assert news == [None, OVER, told, SILENCED]
    assert journal.board == board(OVER, told, SILENCED)
    states.on_record(record(changed(A, 4)))
    assert news[-1] == changed(A, 4)


@pytest.mark.asyncio
async def test_what_is_news_is_kept_and_told(journal: Journal) -> None:
    news: list[Event | None] = []
    states = following(journal, news)
    for each in (A, SILENCED, ACKNOWLEDGED, A, OVER, A):
        states.on_record(record(each))
    states.on_record(tombstone(A.fingerprint))
    states.on_record(tombstone("unknown"))
    assert news == [A, SILENCED, ACKNOWLEDGED, OVER, None]
    assert journal.board == Board(silences={"s": SILENCED})
    assert len(journal.state.unpublished) == 0, "it is on the topic already"


@pytest.mark.asyncio
async def test_records_of_later_versions_are_passed_over(journal: Journal) -> None:
    states = following(journal)
    states.on_record(Record(b"k", b"{}", [("ce_type", b"lakehouse.alert.changed.v2")]))
    assert journal.board == Board()


@pytest.mark.asyncio
async def test_the_owner_says_again_what_the_topic_has_lost(journal: Journal) -> None:
    states = following(journal)
    await journal.append([changed(A, 5), alert(rule="Other", table="a"), SILENCED])
    journal.published(each.number for each in list(journal.state.unpublished))
    states.on_record(record(SILENCED))
    states.on_record(record(changed(A, 5)))
    assert await states.say_again([A.rule]) == 0
    # An alerter that had been cut off publishes what it had.
    states.on_record(record(changed(A, 4)))
    assert await states.say_again([A.rule]) == 1
    assert await states.say_again([A.rule]) == 0, "it is under way"
    # And the whole topic is lost.
    assert await following(journal).say_again([A.rule]) == 1


@pytest.mark.asyncio
async def test_that_a_receiver_knows_is_said_again_too(journal: Journal) -> None:
    receiver_knows = taken(notification([A]), BEGAN.timestamp())
    assert journal.follow(receiver_knows)
    states = following(journal)
    assert await states.say_again([]) == 1, "its end is owed by whoever has the rule next"
    journal.published(each.number for each in list(journal.state.unpublished))
    states.on_record(record(receiver_knows))
    assert await states.say_again([]) == 0


@pytest.mark.asyncio
async def test_what_a_receiver_knows_from_another_alerter_is_not_lost_to_the_topic(
    journal: Journal,
) -> None:
    """Two told a group, one cut off from the other: of each key the last record stays."""
    states = following(journal)
    one, other = told(1, a=1, b=2), told(2, b=1, c=1)
    states.on_record(record(one))
    states.on_record(record(other))
    assert await states.say_again([]) == 1
    (again,) = (entry.event for entry in journal.state.unpublished if isinstance(entry, Kept))
    assert isinstance(again, AlertNotified)
    assert {each: one.transition for each, one in again.alerts.items()} == {"a": 1, "b": 2, "c": 1}
    journal.published(each.number for each in list(journal.state.unpublished))
    states.on_record(record(again))
    assert await states.say_again([]) == 0


@pytest.mark.asyncio
async def test_of_two_states_of_one_number_that_of_the_owner_stays(journal: Journal) -> None:
    await journal.append([A], publish=False)
    states = following(journal)
    states.on_record(record(A))
    states.on_record(record(A.model_copy(update={"state": "inactive"})))
    assert await states.say_again([]) == 0, "it is another's"
    assert await states.say_again([A.rule]) == 1


@given(st.permutations([A, OVER, changed(A, 4), SILENCED, ACKNOWLEDGED]))
def test_the_order_of_records_makes_no_difference(said: list[Event]) -> None:
    assert board(*said, *said) == board(A, OVER, changed(A, 4), SILENCED, ACKNOWLEDGED)


def told(at: int, **alerts: int) -> AlertNotified:
    return AlertNotified(
        receiver="desk",
        group="",
        idempotency_key=str(at),
        alerts={
            each: NotifiedAlert(transition=number, state="firing")
            for each, number in alerts.items()
        },
        notified_at=BEGAN + timedelta(seconds=at),
    )


@given(st.permutations([told(1, a=1, b=1), told(2, a=2), told(3, c=1), told(4, a=1)]))
def test_of_notifications_of_a_group_all_alerts_count(said: list[AlertNotified]) -> None:
    (merged,) = board(*said).notified.values()
    assert merged.idempotency_key == "4"
    assert {each: one.transition for each, one in merged.alerts.items()} == {"a": 2, "b": 1, "c": 1}


def test_what_was_begun_stands_beside_what_was_taken() -> None:
    begun = told(2, a=1).model_copy(update={"taken": False})
    assert set(board(told(1, a=1), begun).notified) == {"notified/desk/", "telling/desk/"}


def test_an_alert_is_forgotten_with_what_was_said_about_it() -> None:
    of_both = taken(notification([A, alert(table="b")]), 1)
    made = board(A, alert(table="b"), ACKNOWLEDGED, of_both, SILENCED)
    assert forget(made, A.fingerprint)
    assert not forget(made, A.fingerprint)
    assert made.acknowledged == {}
    (left,) = made.notified.values()
    assert set(left.alerts) == {alert(table="b").fingerprint}
    assert forget(made, alert(table="b").fingerprint)
    (left,) = made.notified.values()
    assert left.alerts == {}, "that it was on record is for its owner to forget"
    assert events(made) == [left, SILENCED]
    day_after = left.notified_at.timestamp() + OVER_S
    assert left.key() in forgettable(made, day_after, lambda _rule: False)


@pytest.mark.asyncio
async def test_an_old_tombstone_does_not_take_what_was_said_since(journal: Journal) -> None:
    """A topic that is not compacted yet tells of all lives of an alert, from the beginning."""
    receiver_knows = taken(notification([A]), BEGAN.timestamp())
    await journal.append([OVER, ACKNOWLEDGED, receiver_knows])
    states = following(journal)
    last_time = BEGAN - timedelta(days=1)
    for key in (A.fingerprint, ACKNOWLEDGED.key(), receiver_knows.key()):
        states.on_record(tombstone(key, last_time))
    assert journal.board == board(OVER, ACKNOWLEDGED, receiver_knows)


@pytest.mark.asyncio
async def test_an_end_is_owed_in_whatever_order_partitions_are_read(journal: Journal) -> None:
    states = following(journal)
    last_time = changed(OVER, 1).model_copy(update={"changed_at": BEGAN - timedelta(days=2)})
    receiver_knows = taken(notification([A]), BEGAN.timestamp())
    states.on_record(record(receiver_knows))
    states.on_record(record(last_time))
    states.on_record(tombstone(A.fingerprint, BEGAN - timedelta(days=1)))
    states.on_record(record(OVER))
    assert journal.board == board(OVER, receiver_knows)


def test_a_notification_of_what_is_nowhere_any_more_is_forgotten_too() -> None:
    of_another = taken(notification([alert(table="gone")]), BEGAN.timestamp())
    made = board(A, of_another)
    late = NOW.timestamp()
    assert forgettable(made, late, lambda _rule: True) == [], "it may not have been read yet"
    assert forgettable(made, late, lambda _rule: True, whole=True) == [of_another.key()]


def test_what_is_over_is_forgotten_after_a_day_by_the_owner() -> None:
    made = board(OVER, alert(table="b"), ACKNOWLEDGED, SILENCED)
    over_at = OVER.changed_at.timestamp()
    assert forgettable(made, over_at + OVER_S - 1, lambda _rule: True) == []
    late = NOW.timestamp()
    assert set(forgettable(made, late, lambda _rule: True)) == {
        OVER.fingerprint,
        ACKNOWLEDGED.key(),
        SILENCED.key(),
    }
    assert set(forgettable(made, late, lambda _rule: False)) == {SILENCED.key()}


def test_an_end_that_somebody_is_still_to_be_told_is_not_forgotten() -> None:
    firing = notification([A])
    made = board(OVER, taken(firing, BEGAN.timestamp()))
    over_at = OVER.changed_at.timestamp()
    assert forgettable(made, over_at + UNTOLD_S - 1, lambda _rule: True) == []
    assert forgettable(made, over_at + UNTOLD_S, lambda _rule: True) != []
    merge(made, taken(notification([OVER]), BEGAN.timestamp() + 9), own=True)
    assert set(forgettable(made, over_at + OVER_S, lambda _rule: True)) == {
        OVER.fingerprint,
        taken(firing, 0).key(),
    }
