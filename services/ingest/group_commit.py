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

    Args:
        key, value: as on the topic.
        headers: makes the Kafka headers; called once, when the batch is built.
        hold: given back when the producer lets go of the record.
        settled: called once, with ``None`` when the broker has the record, else with the reason.
    """

    __slots__ = ("_settled", "headers", "hold", "key", "value")

    def __init__(
        self,
        key: bytes,
        value: bytes,
        headers: Callable[[], Headers],
        hold: Hold,
        settled: Callable[[Unavailable | None], None],
    ) -> None:
        self.key = key
        self.value = value
        self.headers: Callable[[], Headers] | None = headers
        self.hold = hold
        self._settled: Callable[[Unavailable | None], None] | None = settled

    @property
    def is_settled(self) -> bool:
        """Whether the sender has an answer."""
        return self._settled is None

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


class Lane:
    """The records of one partition.

    Args:
        topic: physical topic.
        partition: its partition.
        linger: shared by all lanes.
        producer: the producer in use now, or ``None`` while there is none.
        on_failure: told of every batch that failed.
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        linger: Linger,
        producer: Callable[[], AIOKafkaProducer | None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._topic = topic
        self._partition = partition
        self._linger = linger
        self._producer = producer
        self._on_failure = on_failure
        self._waiting: deque[Record] = deque()
        self._busy = False
        self._drain: asyncio.Task[None] | None = None

    def add(self, record: Record) -> None:
        """Queue a record for the next batch."""
        self._waiting.append(record)
        if not self._busy:
            self._busy = True
            self._linger.add(self)

    def begin(self) -> None:
        """Hand over what waits, and what comes meanwhile."""
        self._drain = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        try:
            while self._waiting:
                producer = self._producer()
                if producer is None:
                    _settle(list(self._waiting), KafkaError("no producer"))
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
                    _settle(members, error)
                except Exception as error:
                    log.exception("a batch could not be handed over", topic=self._topic)
                    _settle(members, error)
                else:
                    acknowledgement.add_done_callback(partial(self._done, members))
        finally:
            self._busy = False
            self._drain = None

    def _fill(self, producer: AIOKafkaProducer) -> tuple[Any, list[Record]]:
        """A batch of the oldest records; those whose sender was told 503 meanwhile are dropped."""
        batch = producer.create_batch()
        members = []
        waiting = self._waiting
        while waiting:
            record = waiting[0]
            if record.headers is None:
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
        error: BaseException | None = asyncio.CancelledError()
        if not acknowledgement.cancelled():
            error = acknowledgement.exception()
        if error is not None:
            self._on_failure(error)
        _settle(members, error)


def _settle(members: list[Record], error: BaseException | None) -> None:
    refused = None
    if error is not None:
        refused = Unavailable(f"the broker refused the record ({type(error).__name__})")
    for record in members:
        record.hold.give_back()
        record.settle(refused)
