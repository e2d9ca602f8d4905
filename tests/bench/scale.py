"""One, two and four workers of each service: what they cost, and what a change of them costs.

On a machine with two cores, which sender, broker, store and all workers share, more workers cannot
bring more: here the benchmark shows their price. Throughput per second tells of scaling only where
every worker has a core.

Deliveries are posted as fast as they are answered, to all ingests in turns; then the tables are
waited for. The workers share every table (``BERGLINE_STREAM_WRITER_SPREAD_PARTITIONS``), so their
commits meet: left to itself the group keeps a table with one worker. Then, under a steady load, one
of two workers leaves and comes again: the gap is the longest time in which a busy table saw no
commit.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from deploy.demo.settings import DemoSettings
from deploy.demo.settling import settled
from deploy.generator.delivery import Delivery
from deploy.generator.plan import stream
from deploy.generator.poster import Poster
from deploy.generator.signing import Signer
from shared.cli.output import progress
from shared.lake.catalog import open_catalog
from shared.runtime.errors import CheckFailed
from tests.bench.report import Measure, cpu_seconds, measure
from tests.support.platform import EmbeddedPlatform
from tests.support.platform_tables import state
from tests.support.writing_under_load import traffic

WORKERS = (1, 2, 4)
QUICK_WORKERS = (2,)
DELIVERIES = 6000
QUICK_DELIVERIES = 100
FIRST = 200
"""Deliveries before those that are measured: first commits load libraries."""

QUICK_FIRST = 50
CONCURRENCY = 32
"""Posts under way at each ingest."""

SETTLE_SECONDS = 90.0

GAP_RATE = 150.0
GAP_SECONDS = 12.0
QUICK_GAP_RATE, QUICK_GAP_SECONDS = 30.0, 2.0
"""Load around each change of the group."""

BUSY = ("raw.shopify_orders", "raw.shopify_customers", "raw.stripe_charges")
"""Tables that get rows all the time under that load."""

_SHARED = {
    "BERGLINE_STREAM_WRITER_SPREAD_PARTITIONS": "true",
    "BERGLINE_STREAM_WRITER_SESSION_TIMEOUT_S": "6",
}

Figures = dict[tuple[str, str], float]
"""(name, unit) → value."""


def run(rounds: int, *, quick: bool = False) -> list[Measure]:
    """A new platform for every number of workers in every round."""
    found: dict[tuple[str, str], list[float]] = {}
    for number in range(rounds):
        for workers in QUICK_WORKERS if quick else WORKERS:
            figures = _with_workers(workers, number, quick)
            for name_and_unit, value in figures.items():
                found.setdefault(name_and_unit, []).append(value)
            progress("measured", workers=workers, round=number + 1, of=rounds)
    return [measure(name, values, unit) for (name, unit), values in found.items()]


def _with_workers(workers: int, seed: int, quick: bool) -> Figures:
    with tempfile.TemporaryDirectory() as directory:
        platform = EmbeddedPlatform(
            Path(directory),
            # Writers alone are measured: derived tables and maintenance would want the same cores.
            replicas={
                "ingest": workers,
                "stream_writer": workers,
                "transformer": 0,
                "maintainer": 0,
                "alerter": 0,
            },
            environment=_SHARED,
        )
        try:
            platform.start()
            first, deliveries = (QUICK_FIRST, QUICK_DELIVERIES) if quick else (FIRST, DELIVERIES)
            everything = list(itertools.islice(stream(seed + 1), first + deliveries))
            _post(platform, workers, everything[:first])
            figures = _throughput(platform, workers, everything[first:])
            if workers == 2:
                rate = QUICK_GAP_RATE if quick else GAP_RATE
                figures |= _gaps(platform, rate, QUICK_GAP_SECONDS if quick else GAP_SECONDS)
        finally:
            platform.close()
    return figures


@dataclass(frozen=True, slots=True)
class _Standing:
    """Counters of all workers at one moment."""

    cpu: dict[str, float]
    committed: float
    conflicts: float

    @classmethod
    def of(cls, platform: EmbeddedPlatform, workers: int) -> _Standing:
        cpu = {
            service: sum(
                cpu_seconds(platform.process(service, replica).pid) for replica in range(workers)
            )
            for service in ("ingest", "stream_writer")
        }
        outcomes: dict[str, float] = {}
        for replica in range(workers):
            for outcome, count in _commits(platform.url("stream_writer", replica)):
                outcomes[outcome] = outcomes.get(outcome, 0) + count
        return cls(cpu, outcomes.get("committed", 0), outcomes.get("conflict", 0))


def _throughput(platform: EmbeddedPlatform, workers: int, posted: Sequence[Delivery]) -> Figures:
    deliveries = len(posted)
    before = _Standing.of(platform, workers)
    began = time.perf_counter()
    _post(platform, workers, posted)
    answered = time.perf_counter() - began
    asyncio.run(
        settled(platform.settings, open_catalog(platform.settings), deadline_s=SETTLE_SECONDS)
    )
    landed = time.perf_counter() - began
    after = _Standing.of(platform, workers)
    committed = after.committed - before.committed
    return {
        (f"webhooks_{workers}", "1/s"): deliveries / answered,
        (f"rows_{workers}", "1/s"): deliveries / landed,
        (f"commits_{workers}", "1/s"): committed / landed,
        (f"conflicts_{workers}", "per 100 commits"): 100
        * (after.conflicts - before.conflicts)
        / max(1, committed),
        (f"ingest_cpu_{workers}", "ms per webhook"): 1000
        * (after.cpu["ingest"] - before.cpu["ingest"])
        / deliveries,
        (f"stream_writer_cpu_{workers}", "ms per row"): 1000
        * (after.cpu["stream_writer"] - before.cpu["stream_writer"])
        / deliveries,
    }


def _post(platform: EmbeddedPlatform, workers: int, deliveries: Sequence[Delivery]) -> None:
    """Post to all ingests, as fast as they answer; wait until everything is in its table."""
    signer = Signer.of(DemoSettings.of(platform.layout.root))

    async def post() -> None:
        posters = [
            Poster(platform.url("ingest", number), signer, concurrency=CONCURRENCY)
            for number in range(workers)
        ]
        outcomes = await asyncio.gather(
            *(each.post(deliveries[number::workers]) for number, each in enumerate(posters))
        )
        refused = [one.status for each in outcomes for one in each if not one.accepted]
        if refused:
            raise CheckFailed(f"{len(refused)} webhooks were not accepted, the first: {refused[0]}")

    asyncio.run(post())


def _gaps(platform: EmbeddedPlatform, rate: float, seconds: float) -> Figures:
    """One of two workers leaves orderly and is started again; one is killed and started again."""
    figures: Figures = {}
    for name, end in (("left", platform.terminate), ("killed", platform.kill)):
        with traffic(platform, rate=rate, seconds=seconds) as flowing:
            began = time.time()
            _until_commits(platform, began)
            old = end("stream_writer", 1)
            platform.wait_replaced("stream_writer", 1, old=old)
            flowing.wait(seconds + 60)
            ended = time.time()
        gaps = [_longest(_moments(platform, table, began), ended) for table in BUSY]
        figures[f"rebalance_gap_{name}", "s"] = max(gaps)
        asyncio.run(
            settled(platform.settings, open_catalog(platform.settings), deadline_s=SETTLE_SECONDS)
        )
    return figures


def _until_commits(platform: EmbeddedPlatform, since: float) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not all(_moments(platform, table, since) for table in BUSY):
        if time.monotonic() > deadline:
            raise CheckFailed(f"no commits to all of {', '.join(BUSY)}")
        time.sleep(0.2)


def _moments(platform: EmbeddedPlatform, table: str, since: float) -> list[float]:
    """When snapshots of the table were made, from a moment on."""
    found = state(platform, table).snapshots
    return sorted(each.timestamp_ms / 1000 for each in found if each.timestamp_ms / 1000 >= since)


def _longest(moments: Sequence[float], ended: float) -> float:
    """Longest time between two moments, the end of the load included."""
    return max(later - earlier for earlier, later in itertools.pairwise([*moments, ended]))


def _commits(url: str) -> Iterator[tuple[str, float]]:
    """(outcome, count) of a worker's commits, table by table."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "lakehouse_commits_total":
                yield sample.labels["outcome"], sample.value
