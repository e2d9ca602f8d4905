"""Group commit: the deliveries of a few milliseconds share one batch and one acknowledgement.

One :class:`Lane` is one partition. Its records keep the order in which they were added: a lane
hands over one batch at a time, and aiokafka keeps the order of a partition's batches. All lanes
begin to hand over at the same moment (:class:`Linger`), so their batches share one request to the
broker: a request costs as much as ten webhooks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.ingest.admission import Hold
from shared.contracts.envelope import Headers
from shared.runtime import logging
from shared.runtime.errors import Unavailable

LINGER_SECONDS = 0.003
"""How long the first record of a batch waits for others."""

log = logging.logger("ingest")


class Spooled(Protocol):
    """A record's entry in the spool, where it may wait although the broker has it."""

    def delivered(self) -> None:
        """The broker has it after all."""


class Record:
    """One record on its way.

    Args:
        topic: logical topic.
        source: whose delivery it is.
        key, value: as on the topic.
        headers: makes the Kafka headers; called once, when the batch is built, or the spool's
            entry if that comes first.
        hold: given back when the producer lets go of the record, or the spool has it.
        settled: called once, with ``None`` when the broker or the spool has the record, else with
            the reason.
    """

    __slots__ = (
        "_hold",
        "_settled",
        "copy",
        "headers",
        "is_under_way",
        "key",
        "source",
        "topic",
        "value",
    )

    def __init__(
        self,
        topic: str,
        source: str,
        key: bytes,
        value: bytes,
        headers: Callable[[], Headers],
        hold: Hold,
        settled: Callable[[Unavailable | None], None],
    ) -> None:
        self.topic = topic
        self.source = source
        self.key = key
        self.value = value
        self.headers: Callable[[], Headers] | None = headers
        self.copy: Spooled | None = None
        self.is_under_way = False
        """Withdrawn from a batch that was handed over: the broker may get it all the same."""
        self._hold: Hold | None = hold
        self._settled: Callable[[Unavailable | None], None] | None = settled

    @property
    def is_settled(self) -> bool:
        """Whether the sender has an answer."""
        return self._settled is None

    def made_headers(self) -> Headers:
        """Its headers.

        Raises:
            Unavailable: they cannot be made, now or ever; only a fault in a source's reader does
                that.
        """
        if self.headers is None:
            raise RuntimeError("a settled record has no headers")
        try:
            return self.headers()
        except Exception as error:
            log.exception("the headers of a record cannot be made", topic=self.topic)
            raise Unavailable(
                f"the headers of the record cannot be made ({type(error).__name__})"
            ) from error

    def settle(self, error: Unavailable | None) -> None:
        """Tell once what became of the record, and let go of all that it holds."""
        settled = self._settled
        if settled is None:
            return
        self._settled = self.headers = None
        self.value = b""
        try:
            settled(error)
        except Exception:
            # The other records of the batch are still to be told.
            log.exception("an answer could not be given")

    def release(self) -> None:
        """Give its room back, at the first call."""
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.give_back()


class Linger:
    """Lets the lanes that have records begin together, :data:`LINGER_SECONDS` after the first."""

    def __init__(self) -> None:
        self._lanes: list[Lane] = []

    def add(self, lane: Lane) -> None:
        """Let a lane begin with the others."""
        if not self._lanes:
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._end)
        self._lanes.append(lane)

    def _end(self) -> None:
        lanes, self._lanes = self._lanes, []
        for lane in lanes:
            lane.begin()


class Way(Protocol):
    """What lanes need of the publisher."""

    def producer(self) -> AIOKafkaProducer | None:
        """The producer in use now, or ``None`` while there is none."""

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
        linger: shared by all lanes.
        way: told of what becomes of the batches.
    """

    def __init__(self, physical: str, partition: int, linger: Linger, way: Way) -> None:
        self._topic = physical
        self._partition = partition
        self._linger = linger
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
            self._linger.add(self)

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
        try:
            while self._waiting:
                producer = self._way.producer()
                if producer is None:
                    members = list(self._waiting)
                    self._waiting.clear()
                    self._under_way.append(members)
                    self._end(members, KafkaError("no producer"))
                    continue
                batch, members = self._fill(producer)
                if not members:
                    return
                self._under_way.append(members)
                try:
                    # Waits while an earlier batch of this partition is not under way yet.
                    acknowledgement = await producer.send_batch(
                        batch, self._topic, partition=self._partition
                    )
                except KafkaError as error:
                    self._end(members, error)
                except Exception as error:
                    log.exception("a batch could not be handed over", topic=self._topic)
                    self._end(members, error)
                else:
                    acknowledgement.add_done_callback(partial(self._done, members))
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

    def _done(self, members: list[Record], acknowledgement: asyncio.Future[Any]) -> None:
        error: BaseException | None = asyncio.CancelledError()
        if not acknowledgement.cancelled():
            error = acknowledgement.exception()
        self._end(members, error, is_sent=True)

    def _end(
        self, members: list[Record], error: BaseException | None, *, is_sent: bool = False
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
        self._way.moved()
