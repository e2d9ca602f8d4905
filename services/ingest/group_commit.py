"""Group commit: the deliveries of a few milliseconds share one batch and one acknowledgement.

One :class:`Lane` is one partition. Its records keep the order in which they were added: a lane
hands over one batch at a time, and aiokafka keeps the order of a partition's batches. All lanes of
a broker begin to hand over at the same moment (:mod:`services.ingest.turns`), so their batches
share one request.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.ingest.record import Record
from services.ingest.turns import Turns
from shared.runtime import logging
from shared.runtime.errors import Unavailable

log = logging.logger("ingest")


class Way(Protocol):
    """What lanes need of the publisher."""

    def producer(self) -> AIOKafkaProducer | None:
        """The producer in use now, or ``None`` while there is none."""

    def turns(self, physical: str, partition: int) -> Turns:
        """The turns of the broker that leads a partition."""

    def failed(
        self, lane: Lane, members: list[Record], error: BaseException, *, is_sent: bool
    ) -> None:
        """A batch failed, or could not be handed over: settle its records or withdraw them."""

    def moved(self) -> None:
        """A batch is no longer under way."""


class Lane:
    """The records of one partition.

    Args:
        physical: topic on the broker.
        partition: its partition.
        way: told of what becomes of the batches.
    """

    def __init__(self, physical: str, partition: int, way: Way) -> None:
        self._topic = physical
        self._partition = partition
        self._way = way
        self._waiting: deque[Record] = deque()
        self._under_way: deque[list[Record]] = deque()
        """Batches handed over, or about to be, the oldest first."""
        self._busy = False
        self._drain: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it is known what became of every batch, and none waits."""
        return not self._under_way and not self._waiting

    def add(self, record: Record) -> None:
        """Queue a record for the next batch."""
        self._waiting.append(record)
        if not self._busy:
            self._busy = True
            self._way.turns(self._topic, self._partition).join(self)

    def begin(self) -> None:
        """Hand over what waits, and what comes meanwhile."""
        self._drain = asyncio.get_running_loop().create_task(self._send())

    def withdraw(self) -> list[Record]:
        """Every record that is not settled and has no copy, in order.

        Those that wait are taken out; those under way may still be acknowledged.
        """
        records = [record for batch in self._under_way for record in batch]
        for record in records:
            record.is_under_way = True
        for record in self._waiting:
            if record.is_settled:
                record.release()
            records.append(record)
        self._waiting.clear()
        return [record for record in records if not record.is_settled and record.copy is None]

    async def _send(self) -> None:
        turns = self._way.turns(self._topic, self._partition)
        try:
            while self._waiting:
                producer = self._way.producer()
                if producer is None:
                    members = list(self._waiting)
                    self._waiting.clear()
                    self._under_way.append(members)
                    turns.left()
                    self._end(members, turns, KafkaError("no producer"))
                    continue
                batch, members = self._fill(producer)
                if not members:
                    return
                self._under_way.append(members)
                turns.left()
                try:
                    # Waits while an earlier batch of this partition is not under way yet.
                    acknowledgement = await producer.send_batch(
                        batch, self._topic, partition=self._partition
                    )
                except KafkaError as error:
                    self._end(members, turns, error)
                except Exception as error:
                    log.exception("a batch could not be handed over", topic=self._topic)
                    self._end(members, turns, error)
                else:
                    acknowledgement.add_done_callback(partial(self._done, members, turns))
        finally:
            self._busy = False
            self._drain = None
            self._way.moved()

    def _fill(self, producer: AIOKafkaProducer) -> tuple[Any, list[Record]]:
        """A batch of the oldest records; those whose sender was told 503 are dropped."""
        batch = producer.create_batch()
        members = []
        waiting = self._waiting
        while waiting:
            record = waiting[0]
            if record.headers is not None:
                try:
                    headers = record.made_headers()
                except Unavailable as error:
                    # Left here, it would hold up all others of the partition.
                    record.settle(error)
                else:
                    appended = batch.append(
                        timestamp=None, key=record.key, value=record.value, headers=headers
                    )
                    if appended is None:
                        break
                    members.append(record)
            if record.is_settled:
                record.release()
            waiting.popleft()
        return batch, members

    def _done(
        self, members: list[Record], turns: Turns, acknowledgement: asyncio.Future[Any]
    ) -> None:
        error: BaseException | None = asyncio.CancelledError()
        if not acknowledgement.cancelled():
            error = acknowledgement.exception()
        self._end(members, turns, error, is_sent=True)

    def _end(
        self,
        members: list[Record],
        turns: Turns,
        error: BaseException | None,
        *,
        is_sent: bool = False,
    ) -> None:
        """It is known what became of a batch; told before it leaves, so that order is kept."""
        if error is None:
            for record in members:
                if record.copy is not None:
                    record.copy.delivered()
                record.release()
                record.settle(None)
        else:
            self._way.failed(self, members, error, is_sent=is_sent)
            for record in members:
                if record.is_settled:
                    record.release()
        self._under_way.remove(members)
        turns.arrived()
        self._way.moved()
