"""What is unpublished reaches the broker in order, however long it is away, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.alerter.journal.journal import Journal
from services.alerter.journal.lines import Forgotten, Kept
from services.alerter.journal.unpublished import Unpublished
from services.alerter.states import announcing as module
from services.alerter.states.announcing import Announcing
from shared.contracts.alerts import AlertChanged
from shared.contracts.event import Event
from shared.contracts.topics import ALERT_STATES, ALERTS
from tests.support.notifications import alert, notification, taken

A, B = alert(table="a"), alert(table="b")
TOLD = taken(notification([A]), 1_700_000_000)


class Broker:
    """Takes records, or does not."""

    def __init__(self) -> None:
        self.records: list[tuple[str, str]] = []
        self.failing = 0

    async def send(self, topic: str, event: Event) -> None:
        await self._take(topic, event.event_id())

    async def erase(self, topic: str, key: str) -> None:
        await self._take(topic, f"-{key}")

    async def _take(self, topic: str, record: str) -> None:
        await asyncio.sleep(0)
        if self.failing:
            self.failing -= 1
            raise OSError("no broker")
        self.records.append((topic, record))

    def of(self, topic: str) -> list[str]:
        return [record for where, record in self.records if where == topic]


def changed(event: AlertChanged, transition: int) -> AlertChanged:
    return event.model_copy(update={"transition": transition})


@pytest_asyncio.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    made = Journal(tmp_path)
    yield made
    await made.close()


@pytest.mark.asyncio
async def test_every_change_is_an_alert_first_and_a_state_then(journal: Journal) -> None:
    broker = Broker()
    await journal.append([A])
    await journal.append([TOLD])
    await Announcing(journal, broker).flush()
    assert [each for each in broker.records if A.event_id() == each[1]] == [
        (ALERTS, A.event_id()),
        (ALERT_STATES, A.event_id()),
    ]
    assert broker.of(ALERTS) == [A.event_id()]
    assert TOLD.event_id() in broker.of(ALERT_STATES)
    assert len(journal.state.unpublished) == 0


@pytest.mark.asyncio
async def test_what_fails_is_tried_again_and_stays_in_order(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.001)
    broker = Broker()
    announcing = Announcing(journal, broker)
    announcing.start()
    for failing in range(1, 8):
        broker.failing = failing
        await journal.append([changed(A, 2 * failing), changed(B, 2 * failing)])
        await journal.append([changed(A, 2 * failing + 1)])
    async with asyncio.timeout(30):
        while journal.state.unpublished:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)
    await announcing.stop()
    of_a = [each for each in broker.of(ALERTS) if each.startswith(A.fingerprint)]
    assert list(dict.fromkeys(of_a)) == [f"{A.fingerprint}/{number}" for number in range(2, 16)]
    assert broker.of(ALERT_STATES)[-1] in (f"{A.fingerprint}/15", f"{B.fingerprint}/14")


@pytest.mark.asyncio
async def test_the_compacted_topic_never_ends_with_an_old_state(journal: Journal) -> None:
    broker = Broker()
    await journal.append([A])
    journal.follow(changed(A, 5))  # of the alerter that took over meanwhile
    await Announcing(journal, broker).flush()
    assert broker.records == [(ALERTS, A.event_id())]


@pytest.mark.asyncio
async def test_what_is_forgotten_is_erased_after_what_was_said_before(journal: Journal) -> None:
    broker = Broker()
    await journal.append([alert(table="a", state="resolved")])
    await journal.forget([A.fingerprint])
    assert journal.board.alerts == {}
    await Announcing(journal, broker).flush()
    assert broker.of(ALERT_STATES)[-1] == f"-{A.fingerprint}"


@pytest.mark.asyncio
async def test_what_a_crash_left_unpublished_is_published_by_the_next(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    await first.append([A, B])
    await first.close()
    second, broker = Journal(tmp_path), Broker()
    announcing = Announcing(second, broker)
    announcing.start()
    async with asyncio.timeout(30):
        while second.state.unpublished:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)
    await announcing.stop()
    await second.close()
    assert sorted(broker.of(ALERTS)) == sorted([A.event_id(), B.event_id()])
    third = Journal(tmp_path)
    assert len(third.state.unpublished) == 0
    await third.close()


def test_of_alerts_every_change_waits_and_of_everything_else_the_last() -> None:
    waiting = Unpublished()
    later = TOLD.model_copy(update={"idempotency_key": "later"})
    entries = [Kept(A, 1), Kept(TOLD, 2), Kept(changed(A, 3), 3), Kept(later, 4)]
    for each in entries:
        waiting.add(each)
    assert list(waiting) == [entries[0], entries[2], entries[3]]
    waiting.done([1, 2])
    assert waiting.first(1) == [entries[2]]


def test_a_broker_that_is_away_for_ever_costs_a_bounded_amount() -> None:
    waiting = Unpublished(most=100)
    for number in range(2, 1002):
        waiting.add(Kept(changed(A if number % 2 else B, number), number))
        assert len(waiting) <= 111
    left = [each.event for each in waiting if isinstance(each, Kept)]
    assert left[-2:] == [changed(B, 1000), changed(A, 1001)]
    assert waiting.left_out == 1000 - len(left)
    waiting.add(Forgotten("x", 2000))
    assert list(waiting)[-1] == Forgotten("x", 2000)


def test_nothing_that_is_last_of_its_alert_is_left_out() -> None:
    waiting = Unpublished(most=10)
    for number in range(1, 101):
        waiting.add(Kept(alert(table=str(number)), number))
    assert len(waiting) == 100
    assert waiting.left_out == 0


@pytest.mark.asyncio
async def test_others_do_not_hear_once_nothing_could_be_published_for_long(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0)
    broker, now = Broker(), [0.0]
    announcing = Announcing(journal, broker, lambda: now[0])
    assert announcing.cut_off_in() is None, "nothing waits"
    await journal.append([A, B])
    assert announcing.cut_off_in() == module.CUT_OFF_S
    now[0] = module.CUT_OFF_S - 1
    assert announcing.cut_off_in() == 1
    now[0] += 5
    assert announcing.cut_off_in() == 0
    broker.failing = 1
    await announcing._once()
    assert announcing.cut_off_in() == module.CUT_OFF_S, "one of them was"
    await announcing.flush()
    assert announcing.cut_off_in() is None
