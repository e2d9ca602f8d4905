"""Ways to the broker: which topics it is asked for."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

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
