"""The way to the broker: one idempotent producer, replaced when it can no longer be trusted.

aiokafka's idempotent producer retries a batch until the broker takes it, so records survive a
broker restart. A batch that *failed*, however, leaves a gap in the partition's sequence numbers,
after which a broker refuses every further batch (OUT_OF_ORDER_SEQUENCE_NUMBER): any failure
therefore ends the producer and a new one begins with a new producer id.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.ingest.config import IngestSettings
from shared.runtime import bus, logging

CONNECT_SECONDS = 5.0
PROBE_EVERY_SECONDS = 1.0
PROBE_SECONDS = 1.5
"""Longest wait for the answer to a probe."""
REPLACE_AFTER_SECONDS = 30.0
"""A producer that reached nobody for so long starts again from the bootstrap servers."""
CLOSE_SECONDS = 3.0

log = logging.logger("ingest")


class BrokerLink:
    """Connects, probes, and connects again, until it is closed.

    Args:
        settings: where the broker is.
        topics: physical names of the topics that probes ask for.
        answered: called with the producer at every answer of the broker.
        silent: called with the reason when an attempt or a probe found nobody.

    Attributes:
        producer: the one in use; ``None`` while there is none.
        away: why the broker cannot be reached; ``None`` when it can.
        is_first_attempt: nobody knows yet whether there is a broker.
    """

    def __init__(
        self,
        settings: IngestSettings,
        topics: Collection[str],
        answered: Callable[[AIOKafkaProducer], None],
        silent: Callable[[str], None],
    ) -> None:
        self.producer: AIOKafkaProducer | None = None
        self.away: str | None = f"not connected to the broker at {settings.brokers} yet"
        self.is_first_attempt = True
        self._settings = settings
        self._topics = list(topics)
        self._answered = answered
        self._silent = silent
        self._failed = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def is_usable(self) -> bool:
        """Whether what is sent now has a chance."""
        return self.away is None and self.producer is not None and not self._failed.is_set()

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._supervisor = asyncio.get_running_loop().create_task(self._supervise())

    def fail(self, error: BaseException) -> None:
        """A batch failed: the producer is of no use any more."""
        if not self._failed.is_set():
            log.warning("the producer failed and is replaced", error=type(error).__name__)
        self._failed.set()

    def ask(self, topic: str) -> None:
        """Ask for one more topic at every probe, by its physical name."""
        if topic not in self._topics:
            self._topics.append(topic)
        if self.producer is not None:
            self.producer.client.add_topic(topic)

    async def stop(self) -> None:
        """Connect no more; the producer in use stays."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor

    async def close(self, limit_s: float) -> None:
        """Flush what was sent, for at most ``limit_s``, and disconnect."""
        producer, self.producer = self.producer, None
        self.away = "shutting down"
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
            try:
                await self._serve()
            except (KafkaError, OSError, TimeoutError) as error:
                self._found_nobody(type(error).__name__)
            except Exception as error:
                # Whatever it is, it is tried again: without this task there is no broker any more.
                log.exception("the way to the broker failed")
                self._found_nobody(type(error).__name__)
            else:
                continue
            await asyncio.sleep(PROBE_EVERY_SECONDS / 2)

    async def _serve(self) -> None:
        """Connect, and watch the producer until it is of no use any more."""
        self._failed.clear()
        self.producer = producer = await self._connect()
        try:
            await self._watch(producer)
        except Exception:
            await self._replace(producer)
            raise
        await self._replace(producer)

    async def _replace(self, producer: AIOKafkaProducer) -> None:
        self.producer = None
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
                await producer.client.set_topics(self._topics)
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
                    has_answered = await producer.client.force_metadata_update()
            except TimeoutError:
                has_answered = False
            if has_answered:
                last_answer = loop.time()
                self._found(producer)
            else:
                self._found_nobody("no answer")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PROBE_EVERY_SECONDS):
                    await self._failed.wait()

    def _found(self, producer: AIOKafkaProducer) -> None:
        if self.away is not None:
            log.info("connected to the broker", brokers=self._settings.brokers)
        self.is_first_attempt = False
        self.away = None
        self._answered(producer)

    def _found_nobody(self, why: str) -> None:
        brokers = self._settings.brokers
        reason = f"the broker at {brokers} cannot be reached ({why})"
        if reason != self.away:
            log.warning("the broker cannot be reached", brokers=brokers, why=why)
        self.is_first_attempt = False
        self.away = reason
        self._silent(reason)


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
