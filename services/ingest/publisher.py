"""Every record's way: into the lane of its partition, and to the spool when the broker is slow.

What the broker does not take at once goes to the spool (:mod:`services.ingest.spool`), in order:
when it cannot be reached, when it refuses, or when a record waits for its acknowledgement too
long. Then everything of that topic that is not settled is spooled, and what comes goes behind it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from zlib import crc32

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError

from services.ingest.admission import Hold
from services.ingest.broker_link import CLOSE_SECONDS, CONNECT_SECONDS, BrokerLink
from services.ingest.config import IngestSettings
from services.ingest.deadlines import Deadlines
from services.ingest.group_commit import Lane
from services.ingest.lanes import Lanes
from services.ingest.record import Record
from services.ingest.spool.keeping import Keeping
from services.ingest.spool.sending import Sending
from services.ingest.spool.store import StreamKey
from services.ingest.spool.stream import Read
from services.ingest.turns import Turns
from shared.contracts.envelope import Headers
from shared.contracts.event import Event
from shared.contracts.topics import SPOOL
from shared.runtime import bus, logging
from shared.runtime.errors import Unavailable

SPOOL_CLOSE_SECONDS = 1.0
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
"""The broker will never take these: they are not kept for later."""

log = logging.logger("ingest")


class Publisher:
    """Delivers records, knows whether the broker is there, and recovers by itself.

    Args:
        settings: where the broker is.
        topics: logical topics that must exist before the service calls itself ready.
    """

    def __init__(self, settings: IngestSettings, topics: Sequence[str]) -> None:
        self._settings = settings
        self._lanes = Lanes(topics, settings.environment.topic, self, self._divert)
        self._deadlines = Deadlines(
            settings.ingest_spool_after_s,
            settings.ingest_ack_timeout_s,
            self._too_slow if settings.ingest_spool else None,
        )
        self._turns: defaultdict[int | None, Turns] = defaultdict(Turns)
        """By broker; ``None`` is nobody yet."""
        self._moved = asyncio.Event()
        asked = {*self._lanes.physical, settings.environment.topic(SPOOL)}
        self._link = BrokerLink(settings, asked, self._answered, self._silent)
        self.keeping: Keeping | None = None
        """The spool, once started; ``None`` when it is switched off."""

    @property
    def trouble(self) -> str | None:
        """Why the broker does not take every record now; ``None`` when it does."""
        if self._link.away is not None:
            return self._link.away
        if self._lanes.missing:
            names = ", ".join(self._lanes.missing)
            return (
                f"no topic {names} on the broker at {self._settings.brokers}; "
                "create the topics with `bergline bootstrap`"
            )
        return None

    @property
    def reason(self) -> str | None:
        """Why not every record can be accepted now; ``None`` when it can."""
        trouble = self.trouble
        if trouble is None or self.keeping is None or self._link.is_first_attempt:
            return trouble
        refusal = self.keeping.refusal
        return f"{trouble}; {refusal}" if refusal is not None else None

    async def start(self) -> None:
        """Read the spool, then begin to connect, in the background.

        A broker that is away does not stop the service.

        Raises:
            ConfigurationError: the spool's directory cannot be used.
        """
        if self._settings.ingest_spool:
            self.keeping = await Keeping.opened(self._settings, self, self._publish_event)
            self.keeping.start()
        self._link.start()

    def publish(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Callable[[], Headers],
        hold: Hold,
        settled: Callable[[Unavailable | None], None],
        source: str | None = None,
    ) -> None:
        """Send a record, and call ``settled`` once it is known what became of it.

        ``headers`` is called when the record's batch is built: until then a record is small.
        ``hold`` is kept until the producer lets go of the record, or the spool has it. ``settled``
        gets ``None`` when the broker has the record on all in-sync replicas or it is durable in
        the spool, or why neither was so in time: it may still arrive later. ``source`` is whose
        share of the spool it takes; by default the first part of the topic's name.

        Raises:
            Unavailable: nothing was sent; ``settled`` will not be called.
        """
        source = source or topic.partition(".")[0]
        record = Record(topic, source, key, value, headers, hold, settled)
        lanes = self._lanes.of(topic)
        why = self._link.away
        if why is None and lanes is None:
            why = self.trouble or "the topics are not known yet"
        keeping = self.keeping
        if keeping is None:
            if why is not None:
                raise Unavailable(why)
        elif why is not None or keeping.spool.holds(StreamKey(source, topic)):
            keeping.keep(record, why)
            hold.lend()
            self._deadlines.add(record)
            return
        hold.lend()
        assert lanes is not None  # noqa: S101 - there is a reason otherwise
        # The partitioner of librdkafka ("consistent"): all records of a key in one partition.
        lanes[crc32(key) % len(lanes)].add(record)
        self._deadlines.add(record)

    def _too_slow(self, tick: Sequence[Record]) -> None:
        why = f"the broker did not acknowledge within {self._settings.ingest_spool_after_s} s"
        for topic in {r.topic for r in tick if not r.is_settled and r.copy is None}:
            self._divert(self._lanes.of(topic) or (), why)

    def _divert(self, lanes: Sequence[Lane], why: str) -> None:
        """Spool everything in the lanes of a topic that is not settled."""
        if self.keeping is None:
            return
        for lane in lanes:
            for record in lane.withdraw():
                try:
                    self.keeping.keep(record, why)
                except Unavailable as unavailable:
                    record.settle(unavailable)
                    record.release()

    def producer(self) -> AIOKafkaProducer | None:
        """The producer in use now, or ``None`` while there is none."""
        return self._link.producer

    def turns(self, physical: str, partition: int) -> Turns:
        """The turns of the broker that leads a partition."""
        producer = self._link.producer
        if producer is None:
            return self._turns[None]
        cluster = producer.client.cluster
        return self._turns[cluster.leader_for_partition(TopicPartition(physical, partition))]

    def moved(self) -> None:
        """A lane may be idle now, or the broker be back."""
        self._moved.set()
        self._moved.clear()

    def failed(
        self, lane: Lane, members: list[Record], error: BaseException, *, is_sent: bool
    ) -> None:
        """A batch failed: its records go to the spool, unless the broker will never take them."""
        if is_sent:
            self._link.fail(error)
        why = f"the broker refused the record ({type(error).__name__})"
        if self.keeping is None or isinstance(error, _TOO_LARGE):
            for record in members:
                record.settle(Unavailable(why))
            return
        self._divert([lane, *(self._lanes.of(members[0].topic) or ())], why)

    async def open(self, topic: str) -> None:
        """Return when the topic can be sent to, and all sent to it before is settled.

        It may be one of a source that is switched off now: what was accepted is sent all the same.
        """
        if (physical := self._lanes.want(topic)) is not None:
            self._link.ask(physical)
        while not self._is_open(topic):
            await self._moved.wait()

    def _is_open(self, topic: str) -> bool:
        lanes = self._lanes.of(topic)
        return self._link.is_usable and lanes is not None and all(lane.is_idle for lane in lanes)

    async def send(
        self, topic: str, reads: Sequence[Read], acknowledged: Callable[[Read], None]
    ) -> Exception | None:
        """Send what was spooled; see :class:`~services.ingest.spool.replayer.Outlet`."""
        producer, lanes = self._link.producer, self._lanes.of(topic)
        if producer is None or lanes is None:
            return Unavailable(self.trouble or "there is no producer")
        physical = self._settings.environment.topic(topic)
        error = await Sending(producer, physical, len(lanes)).send(reads, acknowledged)
        if error is not None:
            self._link.fail(error)
        return error

    async def close(self, limit_s: float = CLOSE_SECONDS) -> None:
        """Flush what was sent, for at most ``limit_s``, and disconnect; the rest is spooled."""
        await self._link.stop()
        if self.keeping is not None:
            await self.keeping.stop()
        await self._link.close(limit_s)
        if self.keeping is not None:
            await self.keeping.close(SPOOL_CLOSE_SECONDS)

    def _answered(self, producer: AIOKafkaProducer) -> None:
        self._lanes.follow(producer.client.cluster)
        self.moved()

    def _silent(self, reason: str) -> None:
        for lanes in self._lanes:
            self._divert(lanes, reason)

    async def _publish_event(self, topic: str, event: Event) -> None:
        producer = self._link.producer
        physical = self._settings.environment.topic(topic)
        if producer is None or not producer.client.cluster.partitions_for_topic(physical):
            raise Unavailable(self.trouble or f"no topic {physical} on the broker")
        async with asyncio.timeout(CONNECT_SECONDS):
            await bus.publish(producer, self._settings, topic, event)
