"""The broker's side of ingest: one idempotent producer, replaced when it can no longer be trusted.

aiokafka's idempotent producer retries a batch until the broker takes it, so records survive a
broker restart. A batch that *failed*, however, leaves a gap in the partition's sequence numbers,
after which a broker refuses every further batch (OUT_OF_ORDER_SEQUENCE_NUMBER): any failure
therefore ends the producer and a new one begins with a new producer id.

What the broker does not take at once goes to the spool (:mod:`services.ingest.spool`), in order:
when it cannot be reached, when it refuses, or when a record waits for its acknowledgement too
long. Then everything of that topic that is not settled is spooled, and what comes goes behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from services.ingest.admission import Hold
from services.ingest.config import IngestSettings
from services.ingest.group_commit import Lane, Linger, Record
from services.ingest.spool.keeping import Keeping
from services.ingest.spool.sending import Sending
from services.ingest.spool.spool import SpoolFull
from services.ingest.spool.store import StreamKey
from services.ingest.spool.stream import Read
from shared.contracts.envelope import Headers
from shared.contracts.event import Event
from shared.contracts.topics import SPOOL
from shared.runtime import bus, logging
from shared.runtime.errors import Unavailable

CONNECT_SECONDS = 5.0
PROBE_EVERY_SECONDS = 1.0
PROBE_SECONDS = 1.5
"""Longest wait for the answer to a probe."""
REPLACE_AFTER_SECONDS = 30.0
"""A producer that reached nobody for so long starts again from the bootstrap servers."""
CLOSE_SECONDS = 3.0
SPOOL_CLOSE_SECONDS = 1.0
TICK_SECONDS = 0.02
"""How much earlier than the acknowledgement timeout a delivery may be given up."""
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
        self._ack_timeout = settings.ingest_ack_timeout_s
        self._spool_after = settings.ingest_spool_after_s
        self._physical = {topic: settings.environment.topic(topic) for topic in topics}
        self._loop = asyncio.get_running_loop()
        self._linger = Linger()
        self._lanes: dict[str, list[Lane]] = {}
        self._tick: list[Record] = []
        self._tick_ends = 0.0
        self._producer: AIOKafkaProducer | None = None
        self._failed = asyncio.Event()
        self._moved = asyncio.Event()
        self._away: str | None = f"not connected to the broker at {settings.brokers} yet"
        self._is_first_attempt = True
        self._missing: tuple[str, ...] = ()
        self._supervisor: asyncio.Task[None] | None = None
        self.keeping: Keeping | None = None
        """The spool, once started; ``None`` when it is switched off."""

    @property
    def trouble(self) -> str | None:
        """Why the broker does not take every record now; ``None`` when it does."""
        if self._away is not None:
            return self._away
        if self._missing:
            names = ", ".join(self._physical[topic] for topic in self._missing)
            return (
                f"no topic {names} on the broker at {self._settings.brokers}; "
                "create the topics with `bergline bootstrap`"
            )
        return None

    @property
    def reason(self) -> str | None:
        """Why not every record can be accepted now; ``None`` when it can."""
        trouble = self.trouble
        if trouble is None or self.keeping is None or self._is_first_attempt:
            return trouble
        refusal = self.keeping.refusal
        return f"{trouble}; {refusal}" if refusal is not None else None

    def start(self) -> None:
        """Begin to connect, in the background: a broker that is away does not stop the service.

        Raises:
            ConfigurationError: the spool's directory cannot be used.
        """
        if self._settings.ingest_spool:
            self.keeping = Keeping(self._settings, self, self._publish_event)
            self.keeping.start()
        self._supervisor = self._loop.create_task(self._supervise())

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
        lanes = self._lanes.get(topic)
        why = self._away
        if why is None and lanes is None:
            why = self.trouble or "the topics are not known yet"
        keeping = self.keeping
        if keeping is None:
            if why is not None:
                raise Unavailable(why)
        elif why is not None or keeping.spool.holds(StreamKey(source, topic)):
            keeping.keep(record, why)
            hold.lend()
            self._expire_later(record)
            return
        hold.lend()
        assert lanes is not None  # noqa: S101 - there is a reason otherwise
        # The partitioner of librdkafka ("consistent"): all records of a key in one partition.
        lanes[crc32(key) % len(lanes)].add(record)
        self._expire_later(record)

    def _expire_later(self, record: Record) -> None:
        """One timer for all records of a tick is much cheaper than one for each."""
        now = self._loop.time()
        if now > self._tick_ends:
            self._tick_ends = now + TICK_SECONDS
            self._tick = []
            if self.keeping is not None:
                self._loop.call_later(self._spool_after, self._too_slow, self._tick)
            self._loop.call_later(self._ack_timeout, _expire, self._tick, self._ack_timeout)
        self._tick.append(record)

    def _too_slow(self, tick: list[Record]) -> None:
        why = f"the broker did not acknowledge within {self._spool_after} s"
        for topic in {r.topic for r in tick if not r.is_settled and r.copy is None}:
            self._divert(self._lanes.get(topic, ()), why)

    def _divert(self, lanes: Sequence[Lane], why: str) -> None:
        """Spool everything in the lanes of a topic that is not settled."""
        if self.keeping is None:
            return
        for lane in lanes:
            for record in lane.withdraw():
                try:
                    self.keeping.keep(record, why)
                except SpoolFull as full:
                    record.settle(full)
                    record.release()

    def producer(self) -> AIOKafkaProducer | None:
        """The producer in use now, or ``None`` while there is none."""
        return self._producer

    def moved(self) -> None:
        """A lane may be idle now, or the broker be back."""
        self._moved.set()
        self._moved.clear()

    def failed(
        self, lane: Lane, members: list[Record], error: BaseException, *, is_sent: bool
    ) -> None:
        """A batch failed: its records go to the spool, unless the broker will never take them."""
        if is_sent:
            self._on_failure(error)
        why = f"the broker refused the record ({type(error).__name__})"
        if self.keeping is None or isinstance(error, _TOO_LARGE):
            for record in members:
                record.settle(Unavailable(why))
            return
        self._divert([lane, *self._lanes.get(members[0].topic, ())], why)

    async def open(self, topic: str) -> None:
        """Return when the topic can be sent to, and all sent to it before is settled."""
        while not self._is_open(topic):
            await self._moved.wait()

    def _is_open(self, topic: str) -> bool:
        lanes = self._lanes.get(topic)
        return (
            self._away is None
            and self._producer is not None
            and not self._failed.is_set()
            and lanes is not None
            and all(lane.is_idle for lane in lanes)
        )

    async def send(
        self, topic: str, reads: Sequence[Read], acknowledged: Callable[[Read], None]
    ) -> Exception | None:
        """Send what was spooled; see :class:`~services.ingest.spool.replayer.Outlet`."""
        producer, lanes = self._producer, self._lanes.get(topic)
        if producer is None or lanes is None:
            return Unavailable(self.trouble or "there is no producer")
        physical = self._settings.environment.topic(topic)
        error = await Sending(producer, physical, len(lanes)).send(reads, acknowledged)
        if error is not None:
            self._on_failure(error)
        return error

    async def close(self, limit_s: float = CLOSE_SECONDS) -> None:
        """Flush what was sent, for at most ``limit_s``, and disconnect; the rest is spooled."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
        if self.keeping is not None:
            await self.keeping.stop()
        producer, self._producer = self._producer, None
        self._away = "shutting down"
        if producer is not None:
            try:
                async with asyncio.timeout(limit_s):
                    await producer.flush()
            except TimeoutError:
                log.warning("records were not acknowledged before the end", limit_s=limit_s)
            await _abandon(producer)
        if self.keeping is not None:
            await self.keeping.close(SPOOL_CLOSE_SECONDS)

    async def _supervise(self) -> None:
        while True:
            self._failed.clear()
            try:
                producer = await self._connect()
            except (KafkaError, OSError, TimeoutError) as error:
                self._is_first_attempt = False
                self._unreachable(type(error).__name__)
                await asyncio.sleep(PROBE_EVERY_SECONDS / 2)
                continue
            self._producer = producer
            await self._watch(producer)
            self._producer = None
            await _abandon(producer)

    async def _connect(self) -> AIOKafkaProducer:
        producer = bus.producer(
            self._settings,
            "ingest",
            # The ack timeout is ours; this one only decides when a silent connection is given up.
            request_timeout_ms=5_000,
            # Lanes gather the batches.
            linger_ms=0,
        )
        topics = {*self._physical.values(), self._settings.environment.topic(SPOOL)}
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await producer.start()
                await producer.client.set_topics(list(topics))
        except BaseException:
            await _abandon(producer)
            raise
        return producer

    async def _watch(self, producer: AIOKafkaProducer) -> None:
        """Probe until the producer failed or has reached nobody for too long."""
        loop = asyncio.get_running_loop()
        last_answer = loop.time()
        while not self._failed.is_set() and loop.time() - last_answer < REPLACE_AFTER_SECONDS:
            try:
                async with asyncio.timeout(PROBE_SECONDS):
                    answered = await producer.client.force_metadata_update()
            except TimeoutError:
                answered = False
            self._is_first_attempt = False
            if answered:
                last_answer = loop.time()
                self._reachable(producer)
            else:
                self._unreachable("no answer")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PROBE_EVERY_SECONDS):
                    await self._failed.wait()

    def _reachable(self, producer: AIOKafkaProducer) -> None:
        if self._away is not None:
            log.info("connected to the broker", brokers=self._settings.brokers)
        self._away = None
        cluster = producer.client.cluster
        missing = tuple(
            topic
            for topic, physical in self._physical.items()
            if not cluster.partitions_for_topic(physical)
        )
        if missing and missing != self._missing:
            log.warning("topics are missing", topics=missing, next="bergline bootstrap")
        self._missing = missing
        for topic, physical in self._physical.items():
            count = len(cluster.partitions_for_topic(physical) or ())
            lanes = self._lanes.get(topic)
            if lanes is not None and len(lanes) != count:
                # Before anything goes other ways.
                self._divert(lanes, f"topic {physical} has {count} partitions now")
            if count and (lanes is None or len(lanes) != count):
                self._lanes[topic] = [
                    Lane(physical, partition, self._linger, self) for partition in range(count)
                ]
            elif not count:
                self._lanes.pop(topic, None)
        self.moved()

    def _unreachable(self, why: str) -> None:
        reason = f"the broker at {self._settings.brokers} cannot be reached ({why})"
        if reason != self._away:
            log.warning("the broker cannot be reached", brokers=self._settings.brokers, why=why)
        self._away = reason
        for lanes in self._lanes.values():
            self._divert(lanes, reason)

    def _on_failure(self, error: BaseException) -> None:
        if not self._failed.is_set():
            log.warning("the producer failed and is replaced", error=type(error).__name__)
        self._failed.set()

    async def _publish_event(self, topic: str, event: Event) -> None:
        producer = self._producer
        physical = self._settings.environment.topic(topic)
        if producer is None or not producer.client.cluster.partitions_for_topic(physical):
            raise Unavailable(self.trouble or f"no topic {physical} on the broker")
        async with asyncio.timeout(CONNECT_SECONDS):
            await bus.publish(producer, self._settings, topic, event)


def _expire(tick: list[Record], after_s: float) -> None:
    for record in tick:
        if not record.is_settled:
            record.settle(Unavailable(f"no durable acknowledgement within {after_s} s"))


async def _abandon(producer: AIOKafkaProducer) -> None:
    """End a producer at once; what it still holds fails.

    ``stop()`` alone waits for records that an absent broker will never take, and aiokafka has no
    public way to give them up, hence the accumulator's own ``fail_all``.
    """
    producer._message_accumulator.fail_all(KafkaError("the producer was given up"))
    with contextlib.suppress(KafkaError, OSError, TimeoutError, KeyError):
        # KeyError: a batch in flight is put back among batches that fail_all has removed.
        async with asyncio.timeout(CLOSE_SECONDS):
            await producer.client.close()
            await producer.stop()
