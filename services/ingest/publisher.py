"""The broker's side of ingest: one idempotent producer, replaced when it can no longer be trusted.

aiokafka's idempotent producer retries a batch until the broker takes it, so records survive a
broker restart. A batch that *failed*, however, leaves a gap in the partition's sequence numbers,
after which a broker refuses every further batch (OUT_OF_ORDER_SEQUENCE_NUMBER): any failure
therefore ends the producer and a new one begins with a new producer id.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.ingest.admission import Hold
from services.ingest.config import IngestSettings
from services.ingest.group_commit import Lane, Linger, Record
from shared.contracts.envelope import Headers
from shared.runtime import bus, logging
from shared.runtime.errors import Unavailable

CONNECT_SECONDS = 5.0
PROBE_EVERY_SECONDS = 1.0
PROBE_SECONDS = 1.5
"""Longest wait for the answer to a probe."""
REPLACE_AFTER_SECONDS = 30.0
"""A producer that reached nobody for so long starts again from the bootstrap servers."""
CLOSE_SECONDS = 3.0
TICK_SECONDS = 0.02
"""How much earlier than the acknowledgement timeout a delivery may be given up."""

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
        self._physical = {topic: settings.environment.topic(topic) for topic in topics}
        self._loop = asyncio.get_running_loop()
        self._linger = Linger()
        self._lanes: dict[str, list[Lane]] = {}
        self._tick: list[Record] = []
        self._tick_ends = 0.0
        self._producer: AIOKafkaProducer | None = None
        self._failed = asyncio.Event()
        self._away: str | None = f"not connected to the broker at {settings.brokers} yet"
        self._missing: tuple[str, ...] = ()
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def reason(self) -> str | None:
        """Why not every record can be delivered now; ``None`` when it can."""
        if self._away is not None:
            return self._away
        if self._missing:
            names = ", ".join(self._physical[topic] for topic in self._missing)
            return (
                f"no topic {names} on the broker at {self._settings.brokers}; "
                "create the topics with `bergline bootstrap`"
            )
        return None

    def start(self) -> None:
        """Begin to connect, in the background: a broker that is away does not stop the service."""
        self._supervisor = self._loop.create_task(self._supervise())

    def publish(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Callable[[], Headers],
        hold: Hold,
        settled: Callable[[Unavailable | None], None],
    ) -> None:
        """Send a record, and call ``settled`` once it is known what became of it.

        ``headers`` is called when the record's batch is built: until then a record is small.
        ``hold`` is kept until the producer lets go of the record. ``settled`` gets ``None`` when
        the broker has the record on all in-sync replicas, or why it has not acknowledged in time:
        it may still arrive later.

        Raises:
            Unavailable: nothing was sent; ``settled`` will not be called.
        """
        if self._away is not None:
            raise Unavailable(self._away)
        lanes = self._lanes.get(topic)
        if lanes is None:
            raise Unavailable(self.reason or "the topics are not known yet")
        hold.lend()
        record = Record(key, value, headers, hold, settled)
        # The partitioner of librdkafka ("consistent"): all records of a key in one partition.
        lanes[crc32(key) % len(lanes)].add(record)
        self._expire_later(record)

    def _expire_later(self, record: Record) -> None:
        """One timer for all records of a tick is much cheaper than one for each."""
        now = self._loop.time()
        if now > self._tick_ends:
            self._tick_ends = now + TICK_SECONDS
            self._tick = []
            self._loop.call_later(self._ack_timeout, _expire, self._tick, self._ack_timeout)
        self._tick.append(record)

    async def close(self, limit_s: float = CLOSE_SECONDS) -> None:
        """Flush what was sent, for at most ``limit_s``, and disconnect."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
        producer, self._producer = self._producer, None
        self._away = "shutting down"
        if producer is None:
            return
        try:
            async with asyncio.timeout(limit_s):
                await producer.flush()
        except TimeoutError:
            log.warning("records were not acknowledged before the end", limit_s=limit_s)
        await _abandon(producer)

    async def _supervise(self) -> None:
        while True:
            self._failed.clear()
            try:
                producer = await self._connect()
            except (KafkaError, OSError, TimeoutError) as error:
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
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await producer.start()
                await producer.client.set_topics(list(self._physical.values()))
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
            if count and (lanes is None or len(lanes) != count):
                self._lanes[topic] = [
                    Lane(physical, partition, self._linger, self._current, self._on_failure)
                    for partition in range(count)
                ]
            elif not count:
                self._lanes.pop(topic, None)

    def _current(self) -> AIOKafkaProducer | None:
        return self._producer

    def _unreachable(self, why: str) -> None:
        reason = f"the broker at {self._settings.brokers} cannot be reached ({why})"
        if reason != self._away:
            log.warning("the broker cannot be reached", brokers=self._settings.brokers, why=why)
        self._away = reason

    def _on_failure(self, error: BaseException) -> None:
        if not self._failed.is_set():
            log.warning("the producer failed and is replaced", error=type(error).__name__)
        self._failed.set()


def _expire(tick: list[Record], after_s: float) -> None:
    for record in tick:
        if not record.is_settled:
            record.settle(Unavailable(f"the broker did not acknowledge within {after_s} s"))


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
