"""From an event that makes a rule true to its alert being read: wall clock, on a quiet platform.

Ours: an event is acknowledged by the broker, and a subscriber of ``lakehouse.alerts``, with its
fetch open, has the record that says ``firing``. In between lie the alerter's fetch, the wait for
further events, a pass of evaluation, an fsync, and a produce. Each event is of another partition of
a topic, so each makes an alert of its own.

Beside it, where they are installed, the way of Prometheus: a gauge that is scraped turns 1, a rule
without ``for`` is evaluated, Alertmanager, told not to wait for company, posts to a webhook; with
a second between scrapes and between evaluations, where 15 are usual.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.cli.output import progress
from shared.contracts.alerts import AlertChanged
from shared.contracts.partitions import PartitionResumed, PartitionStopped
from shared.contracts.topics import ALERTS, PARTITIONS
from shared.runtime.bus import connection, producer, publish
from shared.runtime.errors import CheckFailed
from shared.runtime.settings import Settings
from tests.bench.alerting.prometheus_way import WHY_NOT
from tests.bench.alerting.prometheus_way import took as by_prometheus
from tests.bench.report import Measure, measure
from tests.support.platform import EmbeddedPlatform

EVENTS, QUICK_EVENTS = 200, 20
PAUSE_S = 0.1
"""Between two events, on average: nothing is to be under way when one comes."""
WITHIN_S = 30.0
RULE = "ConsumptionStopped"
PEER = "Prometheus and Alertmanager"


def measured(rounds: int, *, quick: bool = False) -> list[Measure]:
    """Milliseconds from event to alert."""
    ours: dict[str, list[float]] = {"p50": [], "p99": []}
    theirs: dict[str, list[float]] = {"p50": [], "p99": []}
    with tempfile.TemporaryDirectory() as directory:
        platform = EmbeddedPlatform(
            Path(directory),
            replicas={"ingest": 0, "stream_writer": 0, "transformer": 0, "maintainer": 0},
        )
        try:
            platform.start()
            for number in range(rounds):
                _note(ours, asyncio.run(_round(platform.settings, number, quick=quick)))
                if WHY_NOT is None:
                    _note(theirs, by_prometheus(Path(directory), number, quick=quick))
                progress("round done", number=number + 1, of=rounds)
        finally:
            platform.close()
    if WHY_NOT is not None:
        progress(f"without a peer: {WHY_NOT}")
    peer = None if WHY_NOT is not None else PEER
    return [
        measure(
            f"event_to_alert_{name}",
            values,
            "ms",
            peer=peer,
            peer_values=theirs[name] if peer else (),
        )
        for name, values in ours.items()
    ]


def _note(found: Mapping[str, list[float]], seconds: list[float]) -> None:
    found["p50"].append(statistics.median(seconds) * 1000)
    found["p99"].append(statistics.quantiles(seconds, n=100)[98] * 1000)


async def _round(settings: Settings, number: int, *, quick: bool) -> list[float]:
    """Seconds of each event of a round; what fired is over afterwards."""
    chance = random.Random(number)
    fired: dict[str, float] = {}
    made = producer(settings, "bench")
    consumer = AIOKafkaConsumer(**connection(settings), auto_offset_reset="latest")
    await made.start()
    await consumer.start()
    try:
        topic = settings.environment.topic(ALERTS)
        await consumer._client.force_metadata_update()
        numbers = consumer.partitions_for_topic(topic) or {0, 1, 2}
        consumer.assign([TopicPartition(topic, each) for each in sorted(numbers)])
        await consumer.seek_to_end()
        over = asyncio.Event()
        count = QUICK_EVENTS if quick else EVENTS
        partitions = range(1000 * number, 1000 * number + count)
        reading = asyncio.create_task(_read(consumer, fired, over, count))
        took = []
        for partition in partitions:
            await asyncio.sleep(PAUSE_S * chance.uniform(0.5, 1.5))
            await publish(made, settings, PARTITIONS, _stopped(partition))
            acknowledged = time.perf_counter()
            async with asyncio.timeout(WITHIN_S):
                while str(partition) not in fired:  # noqa: ASYNC110 - another task's
                    await asyncio.sleep(0.001)
            took.append(max(0.0, fired[str(partition)] - acknowledged))
        for partition in partitions:
            await publish(made, settings, PARTITIONS, _resumed(partition))
        async with asyncio.timeout(WITHIN_S):
            await over.wait()
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
    except TimeoutError:
        raise CheckFailed(f"an alert was not told within {WITHIN_S:g} s") from None
    finally:
        await consumer.stop()
        await made.stop()
    return took


async def _read(
    consumer: AIOKafkaConsumer, fired: dict[str, float], over: asyncio.Event, count: int
) -> None:
    """Note when each alert is read, and when all are over."""
    resolved = 0
    while True:
        records = await consumer.getmany(timeout_ms=1000)
        now = time.perf_counter()
        for record in [each for found in records.values() for each in found]:
            event = AlertChanged.decode(record.value)
            if event.rule != RULE:
                continue
            if event.state == "firing":
                fired[event.labels["partition"]] = now
            elif event.state == "resolved":
                resolved += 1
        if resolved >= count:
            over.set()


def _stopped(partition: int) -> PartitionStopped:
    return PartitionStopped(
        topic="stripe.charges",
        partition=partition,
        table="raw.stripe_charges",
        reason="corrupt_records",
        stopped_at=datetime.now(UTC),
    )


def _resumed(partition: int) -> PartitionResumed:
    return PartitionResumed(
        topic="stripe.charges",
        partition=partition,
        table="raw.stripe_charges",
        resumed_at=datetime.now(UTC),
    )
