"""A member is told what the group gave it after the broker was asked how the topic is divided."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from shared.contracts.topics import MAINTENANCE_REQUESTS
from shared.runtime import worker_bus
from shared.runtime.faust_app import Membership
from shared.runtime.faust_group import build_app
from shared.runtime.settings import Settings
from shared.runtime.worker_bus import WorkerBus

TOPIC = Settings().environment.topic(MAINTENANCE_REQUESTS)


class Client:
    """What a producer knows of topics, which is of some time ago until it asks."""

    def __init__(self) -> None:
        self.known, self.real, self.answers = 3, 6, True
        self.cluster = SimpleNamespace(
            partitions_for_topic=lambda topic: set(range(self.known)) if topic == TOPIC else None
        )

    async def force_metadata_update(self) -> bool:
        if not self.answers:
            await asyncio.Event().wait()
        self.known = self.real
        return True


class Member:
    """Keeps what it is told, and how many partitions it could see then."""

    def __init__(self, bus: WorkerBus) -> None:
        self.told: list[tuple[object, ...]] = []
        self._bus = bus

    def on_record(self, topic: str, partition: int, offset: int, value: bytes) -> None:
        self.told.append(("record", offset, value))

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        self.told.append(("assigned", self._bus.request_partitions()))

    def revoked(self) -> None:
        self.told.append(("revoked",))


class World:
    """A worker's app and what is around it; no broker."""

    def __init__(self, directory: Path) -> None:
        self.client = Client()
        self.bus = WorkerBus(Settings(), "maintainer", MAINTENANCE_REQUESTS)
        self.bus._connected = SimpleNamespace(client=self.client)
        self.member = Member(self.bus)
        membership = Membership("maintainer", directory, 1, 10.0)
        topics = [MAINTENANCE_REQUESTS]
        self.app: Any = build_app(Settings(), membership, topics, self.member, self.bus.learn)

    async def assign(self) -> None:
        await self.app.on_partitions_assigned.send({TopicPartition(TOPIC, 0)})

    async def revoke(self) -> None:
        await self.app.on_partitions_revoked.send(set())

    async def deliver(self, generation: int) -> None:
        message = SimpleNamespace(topic=TOPIC, partition=0, offset=7, generation_id=generation)

        async def events() -> AsyncIterator[object]:
            yield SimpleNamespace(message=message, value=b"asked")

        [agent] = self.app.agents.values()
        await agent.fun(SimpleNamespace(events=events))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.asyncio
async def test_partitions_that_are_new_count_when_tables_are_dealt(world: World) -> None:
    assert world.bus.request_partitions() == 3
    await world.assign()
    assert world.member.told == [("assigned", 6)]


@pytest.mark.asyncio
async def test_a_broker_that_is_silent_leaves_what_was_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_bus, "LEARN_S", 0.0)
    world.client.answers = False
    async with asyncio.timeout(20.0):
        await world.assign()
    assert world.member.told == [("assigned", 3)]


@pytest.mark.asyncio
async def test_a_record_waits_until_the_member_knows_what_is_its_own(world: World) -> None:
    generation = world.app.consumer_generation_id
    for revoked in (False, True):
        world.member.told.clear()
        if revoked:
            await world.revoke()
        delivering = asyncio.create_task(world.deliver(generation))
        await asyncio.sleep(0)
        await world.assign()
        await delivering
        assert world.member.told[-2:] == [("assigned", 6), ("record", 7, b"asked")]
