"""Topics that every process reads whole, on the embedded broker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.runtime.settings import Settings
from shared.runtime.topic_reader import TopicReader
from tests.support.broker import BrokerProcess, running

WITHIN_S = 60.0
TOPIC = "notes"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    yield from running(tmp_path)


async def _make_topic(broker: BrokerProcess) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    finally:
        await admin.close()


async def _write(broker: BrokerProcess, *values: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(TOPIC, value)
    finally:
        await producer.stop()


@pytest.mark.asyncio
async def test_a_record_that_cannot_be_handled_is_passed_over(broker: BrokerProcess) -> None:
    seen: list[bytes] = []
    enough = asyncio.Event()

    def note(record: Any) -> None:
        if record.value == b"odd":
            raise ValueError(record.value)
        seen.append(record.value)
        if record.value == b"3":
            enough.set()

    await _make_topic(broker)
    await _write(broker, b"1", b"odd", b"2")
    reader = TopicReader(Settings(brokers=broker.bootstrap), TOPIC, note)
    reader.start()
    try:
        async with asyncio.timeout(WITHIN_S):
            await reader.caught_up.wait()
            assert seen == [b"1", b"2"]
            await _write(broker, b"3")
            await enough.wait()
            await _write(broker, b"4", b"5")
            await reader.read_on()
            assert seen == [b"1", b"2", b"3", b"4", b"5"], "it has read on to the present end"
    finally:
        await reader.stop()


@pytest.mark.asyncio
async def test_a_reader_may_wait_for_its_topic(broker: BrokerProcess) -> None:
    seen: list[bytes] = []
    first = asyncio.Event()

    def note(record: Any) -> None:
        seen.append(record.value)
        first.set()

    reader = TopicReader(Settings(brokers=broker.bootstrap), TOPIC, note)
    reader.start()
    try:
        await _make_topic(broker)
        await _write(broker, b"1")
        async with asyncio.timeout(WITHIN_S):
            await first.wait()
            await reader.caught_up.wait()
    finally:
        await reader.stop()
    assert seen == [b"1"]


@pytest.mark.asyncio
async def test_a_reader_may_begin_some_time_ago(broker: BrokerProcess) -> None:
    seen: list[bytes] = []
    await _make_topic(broker)
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
    await producer.start()
    try:
        for hours in (9, 8, 6, 0):
            at_ms = now_ms - hours * 3_600_000
            await producer.send_and_wait(TOPIC, str(hours).encode(), timestamp_ms=at_ms)
    finally:
        await producer.stop()
    settings = Settings(brokers=broker.bootstrap)
    for start, expected in ((timedelta(hours=7), [b"6", b"0"]), (timedelta(hours=-1), [])):
        seen.clear()
        reader = TopicReader(settings, TOPIC, lambda record: seen.append(record.value), start=start)
        reader.start()
        try:
            async with asyncio.timeout(WITHIN_S):
                await reader.caught_up.wait()
        finally:
            await reader.stop()
        assert seen == expected
