"""Topic to committed snapshots: megabytes of record values per CPU-second of stream_writer.

On an embedded platform the real process is frozen (SIGSTOP) while orders are produced as ingest
would, then let go; the CPU that it has used by the time the table's recorded positions reach the
end is counted, with everything in it: fetching, parsing, payload, Parquet, S3, catalog, sweeping.
The peers read the same offsets in the same round (:mod:`tests.bench.arrow_line`). Orders have some
787 bytes unless something else is said. ``drift_cost`` is what the writer uses when one order in a
hundred has a value that does not fit and one in a thousand is cut short, divided by what it uses
for the whole ones; the design's limit is 1.5.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path

from confluent_kafka import KafkaError, Message, Producer

from shared.cli.output import progress
from shared.lake.recorded import recorded
from shared.runtime.errors import CheckFailed, Unavailable
from shared.runtime.log_bounds import LogBounds, log_bounds
from shared.tables.registry import TABLES
from tests.bench import orders
from tests.bench.arrow_line import ArrowLine
from tests.bench.report import Measure, cpu_seconds, measure
from tests.support.platform import EmbeddedPlatform
from tests.support.platform_tables import state
from tests.support.records import FetchedRecord

ORDERS = TABLES["raw.shopify_orders"]

SERVICE = "stream_writer"
TOPIC = "shopify.orders"
DISTINCT = 4000
"""Orders that are made; they are produced again and again, under new ids."""

MEGABYTES = 50
"""Values per round and kind of order, 10^6 bytes each: some commits, and a pause short enough
that the group does not miss its member."""

QUICK_DISTINCT = 400
QUICK_MEGABYTES = 2

WARM_UP = 2000
"""Records before the first round."""

DEADLINE_SECONDS = 90.0
POLL_SECONDS = 0.05

LINE = "confluent-kafka + pyarrow.json + zstd Parquet to a local file"
BARE = "pyarrow.json + zstd Parquet to a local file, values in memory"
BY_ROWS = "confluent-kafka + json.loads by rows + zstd Parquet to a local file"


def run(rounds: int, *, quick: bool = False) -> list[Measure]:
    """Ours and the peers take turns in every round."""
    megabytes = QUICK_MEGABYTES if quick else MEGABYTES
    large = orders.faithful(QUICK_DISTINCT if quick else DISTINCT)
    small = orders.thin(large)
    speeds: dict[str, list[float]] = defaultdict(list)
    drift_costs: list[float] = []
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        # The writer's CPU alone is measured, and its table is to have its own commits only.
        embedded = EmbeddedPlatform(
            Path(directory),
            replicas={"ingest": 0, "transformer": 0, "maintainer": 0, "alerter": 0},
        )
        platform = stack.enter_context(contextlib.closing(embedded))
        platform.start()
        file, brokers = Path(directory) / "peer.parquet", platform.settings.brokers
        line, large_line = (
            stack.enter_context(contextlib.closing(ArrowLine(brokers, TOPIC, ORDERS, values)))
            for values in (small, large)
        )
        for values in (small, large):
            _writer_cpu_seconds(platform, values[:WARM_UP])
        sent = list(islice(cycle(small), _count(small, megabytes)))
        sent_large = list(islice(cycle(large), _count(large, megabytes)))
        for number in range(rounds):
            used, ranges = _writer_cpu_seconds(platform, sent)
            speeds["ours"].append(megabytes / used)
            speeds[LINE].append(megabytes / line.cpu_seconds(ranges, file))
            speeds[BARE].append(megabytes / line.bare_cpu_seconds(sent, file))
            speeds[BY_ROWS].append(megabytes / line.by_rows_cpu_seconds(ranges, file))
            drift_costs.append(_writer_cpu_seconds(platform, orders.odd(sent))[0] / used)
            used, ranges = _writer_cpu_seconds(platform, sent_large)
            speeds["ours, large"].append(megabytes / used)
            speeds["large"].append(megabytes / large_line.cpu_seconds(ranges, file))
            progress("round done", number=number + 1, of=rounds)
    return _measures(speeds, drift_costs)


def _measures(speeds: Mapping[str, list[float]], drift_costs: Sequence[float]) -> list[Measure]:
    ours, unit = speeds["ours"], "MB/CPU-s"
    return [
        measure("topic_to_snapshot", ours, unit, peer=LINE, peer_values=speeds[LINE]),
        measure("topic_to_snapshot, bare", ours, unit, peer=BARE, peer_values=speeds[BARE]),
        measure(
            "topic_to_snapshot, by rows", ours, unit, peer=BY_ROWS, peer_values=speeds[BY_ROWS]
        ),
        measure(
            "topic_to_snapshot, orders of 5.3 kB",
            speeds["ours, large"],
            unit,
            peer=LINE,
            peer_values=speeds["large"],
        ),
        measure("drift_cost", drift_costs, "x"),
    ]


def _count(values: Sequence[bytes], megabytes: float) -> int:
    return round(megabytes * 1e6 * len(values) / sum(map(len, values)))


def _writer_cpu_seconds(
    platform: EmbeddedPlatform, values: Sequence[bytes]
) -> tuple[float, dict[int, LogBounds]]:
    """What the writer uses for these values, and their offsets by partition."""
    records = orders.records(values)
    starts = _ends(platform)
    pid = platform.pause(SERVICE)
    try:
        before = cpu_seconds(pid)
        _produce(platform.settings.brokers, records)
        ends = _ends(platform)
    finally:
        platform.resume(SERVICE)
    _wait_committed(platform, ends)
    used = cpu_seconds(pid) - before
    if platform.process(SERVICE).pid != pid:
        raise CheckFailed(
            "stream_writer was started again meanwhile", platform.log(SERVICE)[-2000:]
        )
    ranges = {number: LogBounds(starts[number], end) for number, end in ends.items()}
    produced = sum(each.held for each in ranges.values())
    if produced != len(values):
        raise CheckFailed(f"{produced} offsets hold {len(values)} records of {TOPIC}")
    return used, ranges


def _produce(brokers: str, records: Sequence[FetchedRecord]) -> None:
    failed: list[str] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error.str())

    producer = Producer({"bootstrap.servers": brokers, "acks": "all", "linger.ms": 5})
    for record in records:
        while True:
            try:
                producer.produce(
                    TOPIC,
                    record.value,
                    record.key,
                    headers=[*record.headers],
                    on_delivery=delivered,
                )
            except BufferError:
                producer.poll(0.1)
            else:
                break
    left = producer.flush(DEADLINE_SECONDS)
    if failed or left:
        reason = failed[0] if failed else "no answer"
        raise Unavailable(f"{len(failed) + left} records were not produced: {reason}")


def _ends(platform: EmbeddedPlatform) -> dict[int, int]:
    bounds = asyncio.run(log_bounds(platform.settings, [TOPIC]))
    return {partition: each.end for (_, partition), each in bounds.items()}


def _wait_committed(platform: EmbeddedPlatform, ends: Mapping[int, int]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        positions = recorded(state(platform, ORDERS.name)).positions
        if positions is not None and all(
            (positions.next_offset(TOPIC, partition) or 0) >= end for partition, end in ends.items()
        ):
            return
        if time.monotonic() > deadline:
            raise CheckFailed(
                f"{ORDERS.name} did not reach the end of {TOPIC} within {DEADLINE_SECONDS:g} s",
                platform.log(SERVICE)[-2000:],
            )
        time.sleep(POLL_SECONDS)
