"""How long after its receipt a webhook is a committed row, at 500 webhooks a second.

The demonstration's webhooks go through ingest of an embedded platform; then, as the ledger of the
demonstration does, each row's ``_received_at`` is compared with the commit time of the snapshot
that added its data file. Wall clock, sender and all services on one machine: run it when the
machine is quiet.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from deploy.demo.load import Load, steady_load
from deploy.demo.settings import DemoSettings
from deploy.demo.settling import settled
from deploy.demo.signing import Signer
from deploy.demo.table_cut import cut
from shared.cli.output import progress
from shared.lake.catalog import open_catalog
from shared.runtime.errors import CheckFailed
from shared.tables.registry import landing_tables
from tests.bench.report import Measure, measure
from tests.support.platform import EmbeddedPlatform

RATE = 500.0
SECONDS = 20.0
WARM_UP_SECONDS = 3.0
"""Load before the first round, not counted: first commits load libraries."""

SETTLE_SECONDS = 60.0
KEYS = ("_delivery_id", "_received_at")


@dataclass(frozen=True, slots=True)
class Freshness:
    """Of the rows of one load.

    Attributes:
        p50, p99, largest: seconds from receipt to commit.
        rate: webhooks received per second, first to last.
    """

    p50: float
    p99: float
    largest: float
    rate: float


def run(rounds: int) -> list[Measure]:
    """One platform; every round is a load of its own."""
    found: list[Freshness] = []
    with tempfile.TemporaryDirectory() as directory:
        platform = EmbeddedPlatform(Path(directory))
        try:
            platform.start()
            _round(platform, seed=0, seconds=WARM_UP_SECONDS)
            for number in range(rounds):
                found.append(_round(platform, seed=number + 1, seconds=SECONDS))
                progress("round done", number=number + 1, of=rounds)
        finally:
            platform.close()
    return [
        measure("webhook to committed row, p50", [each.p50 for each in found], "s"),
        measure("webhook to committed row, p99", [each.p99 for each in found], "s"),
        measure("webhook to committed row, largest", [each.largest for each in found], "s"),
        measure("webhooks received", [each.rate for each in found], "1/s"),
    ]


def freshness(visible: pa.Table, accepted: Collection[str], since: datetime) -> Freshness:
    """The figures of the rows received from ``since`` on. Pure.

    Args:
        visible: ``_delivery_id``, ``_received_at`` and the row's ``_committed_at``.
        accepted: the delivery ids that ingest promised to keep.
        since: when the load began.

    Raises:
        CheckFailed: the rows are not exactly those that were promised, or a commit time is gone.
    """
    rows = visible.filter(pc.field("_received_at") >= pa.scalar(since, pa.timestamp("us", "UTC")))
    ids = rows["_delivery_id"].to_pylist()
    if len(ids) != len(accepted) or set(ids) != set(accepted):
        raise CheckFailed(f"{len(accepted)} webhooks were accepted, {len(ids)} rows are there")
    if rows["_committed_at"].null_count:
        raise CheckFailed("snapshots of this load were thinned away before they were read")
    received, committed = (
        rows[name].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        for name in ("_received_at", "_committed_at")
    )
    seconds = pc.divide(pc.cast(pc.subtract(committed, received), pa.float64()), 1e6)
    p50, p99 = pc.quantile(seconds, [0.5, 0.99]).to_pylist()
    spread = pc.min_max(received).as_py()
    return Freshness(
        p50=p50,
        p99=p99,
        largest=pc.max(seconds).as_py(),
        rate=(len(ids) - 1) * 1e6 / max(1, spread["max"] - spread["min"]),
    )


def _round(platform: EmbeddedPlatform, *, seed: int, seconds: float) -> Freshness:
    since = datetime.now(UTC)
    load = asyncio.run(_load(platform, seed, seconds))
    if load.refused or load.unknown:
        raise CheckFailed(
            f"{load.refused} webhooks were refused, {load.unknown} answers are unknown",
            "the machine may be too busy for this rate",
        )
    catalog, environment = open_catalog(platform.settings), platform.settings.environment
    names = [spec.name for spec in landing_tables() if spec.name.startswith("raw.")]
    cuts = [cut(catalog, environment, name, KEYS, KEYS) for name in names]
    return freshness(pa.concat_tables([each.visible for each in cuts]), load.accepted, since)


async def _load(platform: EmbeddedPlatform, seed: int, seconds: float) -> Load:
    settings = DemoSettings.of(platform.layout.root)
    signer = Signer.of(settings)
    load = await steady_load(settings.ingest_url, signer, rate=RATE, seconds=seconds, seed=seed)
    catalog = await asyncio.to_thread(open_catalog, settings)
    await settled(settings, catalog, deadline_s=SETTLE_SECONDS)
    return load
