"""Reading on: everything that is in a topic by the time of asking has been seen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from shared.runtime import topic_reader
from shared.runtime.settings import Settings
from shared.runtime.topic_reader import TopicReader


class Topic:
    """One partition, and a broker whose answer of where it ends may be under way for long."""

    def __init__(self) -> None:
        self.records: list[str] = []
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()
        self.answers.set()
        self._position = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def assign(self, partitions: Iterable[TopicPartition]) -> None: ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._position = offset

    async def beginning_offsets(self, wanted: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(wanted, 0)

    async def end_offsets(self, wanted: list[TopicPartition]) -> dict[TopicPartition, int]:
        ends = dict.fromkeys(wanted, len(self.records))
        self.asked.set()
        await self.answers.wait()
        return ends

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        for _ in range(3):  # of the event loop: it is not there at once
            await asyncio.sleep(0)
        found = self.records[self._position :]
        self._position += len(found)
        return {TopicPartition("t", 0): [SimpleNamespace(value=each) for each in found]}

    async def position(self, partition: TopicPartition) -> int:
        return self._position


@pytest.mark.asyncio
async def test_an_answer_that_was_under_way_is_not_taken_for_the_present(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic, seen = Topic(), []
    monkeypatch.setattr(topic_reader, "AIOKafkaConsumer", lambda **_: topic)
    reader = TopicReader(Settings(), "lakehouse.alert-states", lambda each: seen.append(each.value))

    async def seen_by_then() -> list[str]:
        await reader.read_on()
        return list(seen)

    reader.start()
    async with asyncio.timeout(20):
        await reader.caught_up.wait()
        topic.asked.clear()
        topic.answers.clear()
        first = asyncio.create_task(reader.read_on())
        await topic.asked.wait()
        topic.records.append("said meanwhile")
        second = asyncio.create_task(seen_by_then())
        await asyncio.sleep(0)
        topic.answers.set()
        assert await second == ["said meanwhile"]
        await first
        await reader.stop()
