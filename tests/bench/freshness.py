"""How long after it was posted a webhook is a row that somebody has read.

The demonstration's webhooks go through ingest of an embedded platform at a fixed rate, while a
reader polls the tables (:mod:`tests.bench.polling_reader`). From the first byte that the sender
sends to the row in the reader's hands: answers, log, commit, catalog and store are all in it, and
the reader's own pause between two looks. Wall clock, and sender, reader and all services share one
machine: run it when the machine is quiet.
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

from deploy.demo.load import stream
from deploy.demo.poster import Outcome, Poster
from deploy.demo.settings import DemoSettings
from deploy.demo.signing import Signer
from shared.cli.output import progress
from shared.runtime.errors import CheckFailed
from shared.tables.registry import landing_tables
from tests.bench.polling_reader import ReadRow, polling_reader
from tests.bench.report import Measure, measure
from tests.support.platform import EmbeddedPlatform

RATE = 500.0
SECONDS = 20.0
WARM_UP_SECONDS = 3.0
"""Load before the first round, not counted: first commits load libraries."""

SETTLE_SECONDS = 60.0
CONCURRENCY = 64


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


def run(rounds: int, *, quick: bool = False, rate: float = RATE) -> list[Measure]:
    """One platform; every round is a load of its own."""
    found: list[Freshness] = []
    with tempfile.TemporaryDirectory() as directory:
        platform = EmbeddedPlatform(Path(directory))
        try:
            platform.start()
            for number in range(rounds + 1):
                warming = number == 0
                seconds = WARM_UP_SECONDS if warming or quick else SECONDS
                one = asyncio.run(_round(platform, seed=number, seconds=seconds, rate=rate))
                if not warming:
                    found.append(one)
                    progress("round done", number=number, of=rounds)
        finally:
            platform.close()
    return [
        measure("raw_p50", [each.raw_p50 for each in found], "s"),
        measure("raw_p99", [each.raw_p99 for each in found], "s"),
        measure("raw_largest", [each.raw_largest for each in found], "s"),
        measure("committed_p50", [each.committed_p50 for each in found], "s"),
        measure("committed_p99", [each.committed_p99 for each in found], "s"),
        measure("webhooks", [each.rate for each in found], "1/s"),
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


async def _round(
    platform: EmbeddedPlatform, *, seed: int, seconds: float, rate: float
) -> Freshness:
    names = [spec.name for spec in landing_tables() if spec.name.startswith("raw.")]
    tables = [".".join(platform.settings.environment.table(name)) for name in names]
    # Everything is made before the first post, so that making it costs no time then.
    deliveries = list(itertools.islice(stream(seed), round(rate * seconds)))
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

    with polling_reader(platform.settings, tables) as reader:
        await poster.post(deliveries, rate=rate, observe=note)
        rows = await asyncio.to_thread(reader.rows, len(posted), SETTLE_SECONDS)
    return freshness(posted, rows)
