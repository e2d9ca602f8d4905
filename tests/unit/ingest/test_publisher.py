"""Ways to the broker: which topics it is asked for."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from services.ingest import broker_link
from services.ingest.broker_link import BrokerLink
from services.ingest.config import IngestSettings
from services.ingest.publisher import Publisher


class Client:
    """A broker's answers; every topic that it is asked for has one partition."""

    def __init__(self) -> None:
        self.topics: set[str] = set()
        self.cluster = self
        self.client = self

    def add_topic(self, topic: str) -> None:
        self.topics.add(topic)

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0} if topic in self.topics else set()


@pytest.mark.asyncio
async def test_what_was_spooled_of_a_source_that_is_switched_off_now_has_a_way() -> None:
    publisher = Publisher(IngestSettings(ingest_spool=False), ["stripe.charges"])
    client = Client()
    publisher._link.producer = cast("Any", client)
    publisher._link._found(cast("Any", client))
    waiting = asyncio.create_task(publisher.open("shopify.orders"))
    async with asyncio.timeout(20):
        while "shopify.orders" not in client.topics:  # noqa: ASYNC110 - another task's
            await asyncio.sleep(0)
        assert not waiting.done()
        publisher._link._found(cast("Any", client))
        await waiting


@pytest.mark.asyncio
async def test_after_something_unforeseen_the_broker_is_connected_to_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(broker_link, "PROBE_EVERY_SECONDS", 0.01)
    told: list[str] = []
    link = BrokerLink(IngestSettings(), [], lambda _: None, told.append)
    attempts: list[str] = []
    again = asyncio.Event()

    async def connect() -> Any:
        attempts.append("one")
        if len(attempts) == 1:
            raise RuntimeError("a fault")
        again.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(link, "_connect", connect)
    link.start()
    async with asyncio.timeout(20):
        await again.wait()
    assert "RuntimeError" in told[0], "and what comes meanwhile is spooled"
    await link.stop()
