"""How far groups are behind, from what a broker answers; old connections may be closed by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from shared.runtime import group_lags
from shared.runtime.group_lags import GroupLag, GroupLags
from shared.runtime.settings import Settings

COMMITTED = {"dev.writer": {("dev.orders", 0): 7, ("dev.orders", 1): 30, ("orders", 0): 1}}
ENDS = {("dev.orders", 0): 10, ("dev.orders", 1): 20, ("orders", 0): 99}


class Broker:
    """Two groups of this environment and one of another; counts what is open."""

    def __init__(self) -> None:
        self.opened = self.open = 0
        self.closes_connections = False

    @asynccontextmanager
    async def connected(self, _: Settings) -> AsyncIterator[Any]:
        self.opened += 1
        self.open += 1
        self.closes_connections = False
        try:
            yield self
        finally:
            self.open -= 1

    async def list_consumer_groups(self) -> list[tuple[str, str]]:
        if self.closes_connections:
            raise KafkaConnectionError("closed")
        return [("dev.writer", "consumer"), ("dev.gone", "consumer"), ("other", "consumer")]

    async def describe_consumer_groups(self, names: list[str]) -> list[Any]:
        joined = {"dev.writer": ("a", "b"), "dev.gone": ()}
        groups = [(0, name, "Stable", "", "", joined[name], None) for name in names]
        return [SimpleNamespace(groups=groups)]

    async def list_consumer_group_offsets(self, name: str) -> dict[TopicPartition, Any]:
        found = COMMITTED.get(name, {("dev.deleted", 0): 5})
        return {TopicPartition(*key): SimpleNamespace(offset=at) for key, at in found.items()}

    async def describe_topics(self, names: list[str]) -> list[Any]:
        there = {name: [{"partition": n} for t, n in ENDS if t == name] for name in names}
        return [{"topic": name, "partitions": numbers} for name, numbers in there.items()]

    async def end_offsets(self, asked: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {each: ENDS[each] for each in asked}


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    found = Broker()
    monkeypatch.setattr(group_lags, "admin", found.connected)
    monkeypatch.setattr(group_lags, "consumer", found.connected)
    return found


EXPECTED = {
    "writer": GroupLag(2, {"orders": 3}),  # a position beyond the end is not behind it
    "gone": GroupLag(0, {}),
}


@pytest.mark.asyncio
async def test_lag_is_summed_over_partitions_of_topics_that_are_there(broker: Broker) -> None:
    lags = GroupLags(Settings(env="dev"))
    assert await lags.ask() == EXPECTED
    assert await lags.ask() == EXPECTED
    assert broker.opened == 2, "an admin and a consumer, which stay"
    await lags.close()
    assert broker.open == 0


@pytest.mark.asyncio
async def test_connections_that_were_closed_meanwhile_are_opened_again(broker: Broker) -> None:
    lags = GroupLags(Settings(env="dev"))
    await lags.ask()
    broker.closes_connections = True
    assert await lags.ask() == EXPECTED
    assert (broker.opened, broker.open) == (4, 2)
    await lags.close()
