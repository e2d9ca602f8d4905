"""How long after it was posted a webhook is a row that somebody has read, and part of a mart.

The demonstration's webhooks go through ingest of an embedded platform at a fixed rate, while a
reader polls the tables (:mod:`tests.bench.polling_reader`). From the first byte that the sender
sends to the row in the reader's hands: answers, log, commit, catalog and store are all in it, and
the reader's own pause between two looks. Wall clock, and sender, reader and all services share one
machine: run it when the machine is quiet.

An order webhook is part of the sales mart as soon as a reader (:mod:`tests.bench.mart_reader`) has
read the mart at a snapshot that is complete up to that record. The mart's figures are of a load of
their own (200 webhooks of all kinds a second) unless the rate is given; then one load is both's.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from deploy.demo.settings import DemoSettings
from deploy.generator.plan import stream
from deploy.generator.poster import Outcome, Poster
from deploy.generator.signing import Signer
from shared.cli.output import progress
from shared.lake.positions import PartitionKey
from shared.lake.query import query
from shared.lake.reader import LakeReader
from shared.runtime.errors import CheckFailed
from shared.runtime.log_bounds import log_bounds
from shared.runtime.settings import Settings
from shared.tables.registry import TABLES, landing_tables
from tests.bench.mart_reader import MartReader, MartReading, first_containing, mart_reader
from tests.bench.polling_reader import ReadRow, polling_reader
from tests.bench.report import Measure, measure
from tests.support.platform import EmbeddedPlatform

RATE = 500.0
MART_RATE = 200.0
"""Of the mart's own load."""

QUICK_RATE, QUICK_SECONDS = 50.0, 1.0
QUICK_REPLICAS = {"maintainer": 0, "alerter": 0}
"""A quick run waits for nobody whom an order's way to the mart does not need."""

SECONDS = 20.0
WARM_UP_SECONDS = 3.0
"""Load before the first round, not counted: first commits load libraries."""

SETTLE_SECONDS = 60.0
MART_SECONDS = 300.0
"""Until the mart contains everything. The start of Ray is among them, which a busy machine lets
take minutes; nothing of the first load counts."""

CONCURRENCY = 64
ORDERS = "raw.shopify_orders"


@dataclass(frozen=True, slots=True)
class Freshness:
    """Of the rows of one load, in seconds after the webhook was posted.

    Attributes:
        committed_p50, committed_p99: when the row's snapshot was made.
        raw_p50, raw_p99, raw_largest: when the reader had the row.
        rate: webhooks posted per second, first to last.
    """

    committed_p50: float
    committed_p99: float
    raw_p50: float
    raw_p99: float
    raw_largest: float
    rate: float


@dataclass(frozen=True, slots=True)
class MartFreshness:
    """Of the orders of one load, in seconds after the webhook was posted.

    Attributes:
        p50, p99, largest: when a reader had read a mart that contains the order.
        readings: how often the mart had changed, and was read.
        rate: webhooks of all kinds posted per second, first to last.
    """

    p50: float
    p99: float
    largest: float
    readings: int
    rate: float


@dataclass(frozen=True, slots=True)
class Load:
    """One load: how much, how fast."""

    seed: int
    seconds: float
    rate: float


Place = tuple[PartitionKey, int]
"""Partition and offset of a record."""


def run(rounds: int, *, quick: bool = False, rate: float | None = None) -> list[Measure]:
    """One platform; every round is a load of its own, and one more for the mart.

    Args:
        rounds: how many.
        quick: one short load for both figures, and none to warm up.
        rate: webhooks a second; each of both figures has a rate of its own unless it is given.
    """
    seconds = QUICK_SECONDS if quick else SECONDS
    raw: list[Freshness] = []
    marts: list[MartFreshness] = []
    with tempfile.TemporaryDirectory() as directory:
        platform = EmbeddedPlatform(
            Path(directory),
            replicas=QUICK_REPLICAS if quick else None,
            environment={"BERGLINE_TRANSFORMER_WORKERS": "1"} if quick else None,
        )
        try:
            platform.start()
            for number in range(1 if quick else 0, rounds + 1):
                warming = number == 0
                lasting = WARM_UP_SECONDS if warming else seconds
                load = Load(2 * number, lasting, rate or (QUICK_RATE if quick else RATE))
                one, of_mart = asyncio.run(_round(platform, load))
                if rate is None and not quick:
                    load = Load(2 * number + 1, lasting, MART_RATE)
                    of_mart = asyncio.run(_mart_round(platform, load))
                if not warming:
                    raw.append(one)
                    marts.append(of_mart)
                    progress("round done", number=number, of=rounds)
        finally:
            platform.close()
    return [
        measure("raw_p50", [each.raw_p50 for each in raw], "s"),
        measure("raw_p99", [each.raw_p99 for each in raw], "s"),
        measure("raw_largest", [each.raw_largest for each in raw], "s"),
        measure("committed_p50", [each.committed_p50 for each in raw], "s"),
        measure("committed_p99", [each.committed_p99 for each in raw], "s"),
        measure("webhooks", [each.rate for each in raw], "1/s"),
        measure("mart_p50", [each.p50 for each in marts], "s"),
        measure("mart_p99", [each.p99 for each in marts], "s"),
        measure("mart_largest", [each.largest for each in marts], "s"),
        measure("mart_readings", [float(each.readings) for each in marts], "1"),
        measure("mart_webhooks", [each.rate for each in marts], "1/s"),
    ]


def freshness(posted: Mapping[str, float], rows: Sequence[ReadRow]) -> Freshness:
    """The figures of one load. Pure.

    Args:
        posted: delivery ids that ingest promised to keep, and when each was first posted, in
            seconds since the epoch.
        rows: everything that was read.

    Raises:
        CheckFailed: the rows are not exactly those that were promised.
    """
    ids = [row.key for row in rows]
    if len(ids) != len(posted) or set(ids) != set(posted):
        raise CheckFailed(f"{len(posted)} webhooks were accepted, {len(ids)} rows are there")
    if any(row.committed_at == 0 for row in rows):
        raise CheckFailed("snapshots of this load were thinned away before they were read")
    read = pa.array([row.read_at - posted[row.key] for row in rows])
    committed = pa.array([row.committed_at - posted[row.key] for row in rows])
    raw_p50, raw_p99 = pc.quantile(read, [0.5, 0.99]).to_pylist()
    committed_p50, committed_p99 = pc.quantile(committed, [0.5, 0.99]).to_pylist()
    return Freshness(
        committed_p50=committed_p50,
        committed_p99=committed_p99,
        raw_p50=raw_p50,
        raw_p99=raw_p99,
        raw_largest=pc.max(read).as_py(),
        rate=(len(ids) - 1) / max(1e-6, max(posted.values()) - min(posted.values())),
    )


def mart_freshness(
    posted: Mapping[str, float], places: Mapping[str, Place], readings: Sequence[MartReading]
) -> MartFreshness:
    """The mart's figures of one load. Pure.

    Args:
        posted: delivery ids of the load, and when each was first posted.
        places: where the orders among them stand in the log.
        readings: what was read of the mart, in order.

    Raises:
        CheckFailed: no orders, or an order that no reading contains.
    """
    took = [
        first_containing(readings, partition, offset).read_at - posted[delivery]
        for delivery, (partition, offset) in places.items()
    ]
    if not took:
        raise CheckFailed("there was no order in the load")
    p50, p99 = pc.quantile(pa.array(took), [0.5, 0.99]).to_pylist()
    spread = max(posted.values()) - min(posted.values())
    rate = (len(posted) - 1) / max(1e-6, spread)
    return MartFreshness(p50, p99, max(took), len(readings), rate)


async def _round(platform: EmbeddedPlatform, load: Load) -> tuple[Freshness, MartFreshness]:
    """Both figures of one load; ends when the mart contains it."""
    names = [spec.name for spec in landing_tables() if spec.name.startswith("raw.")]
    tables = [".".join(platform.settings.environment.table(name)) for name in names]
    with (
        polling_reader(platform.settings, tables) as reader,
        mart_reader(platform.settings) as mart,
    ):
        posted = await _posted(platform, load)
        rows = await asyncio.to_thread(reader.rows, len(posted), SETTLE_SECONDS)
        of_mart = await _of_mart(platform.settings, posted, mart)
    return freshness(posted, rows), of_mart


async def _mart_round(platform: EmbeddedPlatform, load: Load) -> MartFreshness:
    """The mart's figures alone: nobody polls the landing tables meanwhile."""
    with mart_reader(platform.settings) as mart:
        posted = await _posted(platform, load)
        return await _of_mart(platform.settings, posted, mart)


async def _posted(platform: EmbeddedPlatform, load: Load) -> dict[str, float]:
    """Post a load: delivery ids, and when each was first posted."""
    # Everything is made before the first post, so that making it costs no time then.
    deliveries = list(itertools.islice(stream(load.seed), round(load.rate * load.seconds)))
    settings = DemoSettings.of(platform.layout.root)
    poster = Poster(settings.ingest_url, Signer.of(settings), concurrency=CONCURRENCY)
    posted: dict[str, float] = {}

    def note(outcome: Outcome) -> None:
        if not outcome.accepted or outcome.unknown or outcome.delivery_id is None:
            raise CheckFailed(
                f"a webhook was answered {outcome.status} after {outcome.attempts} attempts",
                "the machine may be too busy for this rate",
            )
        posted[outcome.delivery_id] = time.time() - outcome.seconds

    await poster.post(deliveries, rate=load.rate, observe=note)
    return posted


async def _of_mart(
    settings: Settings, posted: Mapping[str, float], mart: MartReader
) -> MartFreshness:
    """The mart's figures, once it contains all orders that stand in the log."""
    logs = await log_bounds(settings, TABLES[ORDERS].topics)
    wanted = {partition: log.end for partition, log in logs.items()}
    readings = await asyncio.to_thread(mart.readings, wanted, MART_SECONDS)
    places = await asyncio.to_thread(_places, settings, posted)
    return mart_freshness(posted, places, readings)


def _places(settings: Settings, posted: Mapping[str, float]) -> dict[str, Place]:
    """Where the orders among these deliveries stand."""
    statement = f"select _delivery_id, _topic, _partition, _offset from {ORDERS}"
    with query(LakeReader(settings), statement) as result:
        return {
            delivery: ((topic, partition), offset)
            for delivery, topic, partition, offset in result.rows()
            if delivery in posted
        }
