"""Telling of partitions holds up nothing, and goes on until the broker has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from services.stream_writer import partition_notices
from services.stream_writer.partition_board import Stop
from services.stream_writer.partition_notices import PartitionNotices
from shared.contracts.event import Event
from shared.contracts.partitions import PartitionResumed, PartitionStopped
from shared.runtime.settings import Settings

KEY = ("shop.orders", 0)
STOP = Stop("log_replaced", "LogReplaced: …")


class Topic:
    """The topic's reader, without a broker."""

    def __init__(self, _: Settings, __: str, on_record: Callable[[Any], None]) -> None:
        self.on_record = on_record
        self.caught_up = asyncio.Event()

    def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def has(self, event: Event) -> None:
        key, value, headers = event.encode()
        self.on_record(SimpleNamespace(key=key, value=value, headers=headers))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_notices, "TopicReader", Topic)
    monkeypatch.setattr(partition_notices, "RETRY_S", 0.0)
    monkeypatch.setattr(partition_notices, "PAUSE_S", 0.0)


@pytest.mark.asyncio
async def test_what_was_stopped_by_a_worker_that_is_gone_is_told_to_go_on() -> None:
    sent: list[Event] = []
    told = asyncio.Event()
    failures = 2

    async def send(event: Event) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise OSError("no broker")
        sent.append(event)
        told.set()

    notices = PartitionNotices(Settings(), send)
    topic: Topic = notices._reader  # type: ignore[assignment]
    notices.start()
    notices.flows("raw.orders", KEY)
    before = PartitionNotices(Settings(), send)
    before.stopped("raw.orders", KEY, STOP)
    [stopped] = before._board.due()
    topic.has(stopped)
    assert not sent, "not before it is known what was told last"
    topic.caught_up.set()
    async with asyncio.timeout(20):
        await told.wait()
    assert [type(event) for event in sent] == [PartitionResumed]

    told.clear()
    notices.stopped("raw.orders", KEY, STOP)
    async with asyncio.timeout(20):
        await told.wait()
    assert [type(event) for event in sent] == [PartitionResumed, PartitionStopped]
    notices.stopped("raw.orders", KEY, STOP)
    await notices.stop(20)
    assert len(sent) == 2, "once is enough"


@pytest.mark.asyncio
async def test_a_broker_that_stays_away_holds_up_no_end() -> None:
    asked = asyncio.Event()

    async def send(_: Event) -> None:
        asked.set()
        raise OSError("no broker")

    notices = PartitionNotices(Settings(), send)
    topic: Topic = notices._reader  # type: ignore[assignment]
    notices.start()
    topic.caught_up.set()
    notices.stopped("raw.orders", KEY, STOP)
    async with asyncio.timeout(20):
        await asked.wait()
        await notices.stop(0.01)
