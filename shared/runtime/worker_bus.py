"""The producer of a worker: connected once the broker answers, and what it knows of a topic."""

from __future__ import annotations

import asyncio
import contextlib

from aiokafka import AIOKafkaProducer

from shared.contracts.event import Event
from shared.runtime.bus import erase, producer, publish
from shared.runtime.settings import Settings

LEARN_S = 2.0
"""Longest wait for what the broker says of the topic: a rebalance waits as well."""


class WorkerBus:
    """One producer, which may not be there yet.

    Args:
        settings: where the broker is.
        service: names the client.
        requests: logical topic that says by its partitions which worker does what.
    """

    def __init__(self, settings: Settings, service: str, requests: str) -> None:
        self._settings = settings
        self._service = service
        self._requests = settings.environment.topic(requests)
        self._connected: AIOKafkaProducer | None = None

    async def connect(self) -> bool:
        """Connect, and learn of the topic; true, or it raises what the client does."""
        made = producer(self._settings, self._service)
        try:
            await made.start()
            await made.partitions_for(self._requests)
        except BaseException:
            await made.stop()
            raise
        self._connected = made
        return True

    async def learn(self) -> None:
        """Ask the broker how many partitions the topic of requests has by now.

        A client looks every five minutes by itself. With a number of yesterday workers would take
        each other's tables for their own, or none of them would, and requests would come to
        who does not have the table. A broker that does not answer in time leaves what was known.
        """
        if self._connected is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEARN_S):
                    await self._connected.client.force_metadata_update()

    async def stop(self) -> None:
        """End it."""
        if self._connected is not None:
            await self._connected.stop()

    async def send(self, topic: str, event: Event) -> None:
        """Publish one event on a logical topic; returns when the broker has it.

        Raises:
            aiokafka.errors.KafkaError: it was not acknowledged; the outcome may be unknown.
        """
        assert self._connected is not None  # noqa: S101 - events are sent once it is connected
        await publish(self._connected, self._settings, topic, event)

    async def erase(self, topic: str, key: str) -> None:
        """Publish a tombstone on a logical topic; as :meth:`send`."""
        assert self._connected is not None  # noqa: S101 - as above
        await erase(self._connected, self._settings, topic, key)

    def request_partitions(self) -> int:
        """Partitions of the requests, as the broker said last; 1 before it has said so."""
        if self._connected is None:
            return 1
        cluster = self._connected.client.cluster
        return len(cluster.partitions_for_topic(self._requests) or ()) or 1
