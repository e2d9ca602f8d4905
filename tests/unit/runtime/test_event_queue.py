"""Events reach the topic in order, however long the broker is away, and hold up nobody."""

from __future__ import annotations

import asyncio

import pytest

from shared.contracts.event import Event
from shared.runtime import event_queue
from shared.runtime.event_queue import EventQueue
from tests.unit.runtime.test_open_waves import landed


class Topic:
    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.events: list[tuple[str, Event]] = []

    async def send(self, topic: str, event: Event) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the broker is away")
        self.events.append((topic, event))


@pytest.mark.asyncio
async def test_what_fails_is_sent_again_before_what_came_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_queue, "RETRY_S", 0.0)
    topic = Topic(failures=3)
    events, acknowledged = EventQueue(topic.send), []
    sent = [landed(number, number) for number in (1, 2)]
    for event in sent:
        events.tell("t", event, lambda: acknowledged.append(len(topic.events)))
    events.start()
    await events.flush(5.0)
    assert [event for _, event in topic.events] == sent
    assert acknowledged == [1, 2]
    assert events.pending == 0
    await events.stop()


@pytest.mark.asyncio
async def test_beyond_the_bound_the_oldest_are_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_queue, "MOST", 2)
    topic = Topic()
    events = EventQueue(topic.send)
    sent = [landed(number, number) for number in range(1, 6)]
    for event in sent:
        events.tell("t", event)
    assert (events.pending, events.dropped) == (2, 3)
    events.start()
    await events.flush(5.0)
    assert [event for _, event in topic.events] == sent[-2:]
    await events.stop()


@pytest.mark.asyncio
async def test_a_silent_broker_does_not_hold_up_the_end() -> None:
    async def never(_: str, __: Event) -> None:
        await asyncio.Event().wait()

    events = EventQueue(never)
    events.tell("t", landed(1, 1))
    events.start()
    await events.flush(0.01)
    assert events.pending == 1
    await events.stop()


@pytest.mark.asyncio
async def test_several_are_acknowledged_once_the_broker_has_the_last_of_them() -> None:
    topic = Topic()
    events, acknowledged = EventQueue(topic.send), []
    sent = [landed(number, number) for number in (1, 2, 3)]
    events.tell_all("t", sent, lambda: acknowledged.append(len(topic.events)))
    events.start()
    await events.flush(5.0)
    assert acknowledged == [3]
    await events.stop()
