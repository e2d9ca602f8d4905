"""Group commit: the deliveries of a few milliseconds share one batch and one acknowledgement.

One :class:`Lane` is one partition. Its records keep the order in which they were added: a lane
hands over one batch at a time, and aiokafka keeps the order of a partition's batches.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.ingest.admission import Hold
from shared.contracts.envelope import Headers
from shared.runtime import logging
from shared.runtime.errors import Unavailable

LINGER_SECONDS = 0.003
"""How long the first record of a batch waits for others."""

log = logging.logger("ingest")


class Record:
    """One record on its way.

    Attributes:
        key, value: as on the topic.
        headers: makes the Kafka headers; called once, when the batch is built.
        hold: given back when the producer lets go of the record.
        acknowledged: done when the sender has an answer; fails with :class:`Unavailable`.
    """

    __slots__ = ("acknowledged", "headers", "hold", "key", "value")

    def __init__(
        self,
        key: bytes,
        value: bytes,
        headers: Callable[[], Headers],
        hold: Hold,
        acknowledged: asyncio.Future[None],
    ) -> None:
        self.key = key
        self.value = value
        self.headers = headers
        self.hold = hold
        self.acknowledged = acknowledged


class Lane:
    """The records of one partition.

    Args:
        topic: physical topic.
        partition: its partition.
        producer: the producer in use now, or ``None`` while there is none.
        on_failure: told of every batch that failed.
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        producer: Callable[[], AIOKafkaProducer | None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._topic = topic
        self._partition = partition
        self._producer = producer
        self._on_failure = on_failure
        self._waiting: deque[Record] = deque()
        self._drain: asyncio.Task[None] | None = None

    def add(self, record: Record) -> None:
        """Queue a record for the next batch."""
        self._waiting.append(record)
        if self._drain is None:
            self._drain = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        try:
            await asyncio.sleep(LINGER_SECONDS)
            while self._waiting:
                producer = self._producer()
                if producer is None:
                    self._settle(list(self._waiting), KafkaError("no producer"))
                    self._waiting.clear()
                    return
                batch, members = self._fill(producer)
                if not members:
                    return
                try:
                    # Waits while an earlier batch of this partition is not under way yet.
                    acknowledgement = await producer.send_batch(
                        batch, self._topic, partition=self._partition
                    )
                except KafkaError as error:
                    self._settle(members, error)
                except Exception as error:
                    log.exception("a batch could not be handed over", topic=self._topic)
                    self._settle(members, error)
                else:
                    acknowledgement.add_done_callback(partial(self._done, members))
        finally:
            self._drain = None

    def _fill(self, producer: AIOKafkaProducer) -> tuple[Any, list[Record]]:
        """A batch of the oldest records; those whose sender was told 503 meanwhile are dropped."""
        batch = producer.create_batch()
        members = []
        waiting = self._waiting
        while waiting:
            record = waiting[0]
            if record.acknowledged.done():
                record.hold.give_back()
            elif (
                batch.append(
                    timestamp=None,
                    key=record.key,
                    value=record.value,
                    headers=record.headers(),
                )
                is None
            ):
                break
            else:
                members.append(record)
            waiting.popleft()
        return batch, members

    def _done(self, members: list[Record], acknowledgement: asyncio.Future[Any]) -> None:
        error = None if acknowledgement.cancelled() else acknowledgement.exception()
        if error is not None:
            self._on_failure(error)
        self._settle(members, error)

    @staticmethod
    def _settle(members: list[Record], error: BaseException | None) -> None:
        for record in members:
            record.hold.give_back()
            if record.acknowledged.done():
                continue
            if error is None:
                record.acknowledged.set_result(None)
            else:
                record.acknowledged.set_exception(
                    Unavailable(f"the broker refused the record ({type(error).__name__})")
                )
