"""Topic to committed snapshots by CPU-second, beside Flink SQL and Iceberg Kafka Connect.

All read one topic of one Apache Kafka and commit to one catalog and store, one after another, each
from a topic emptied before. A contestant is frozen while a round's records are produced, then let
go; its CPU until its table holds them all is counted, after a warm-up that lets a JVM compile. Then
it is started anew to commit every second, and a reader polls its table while records come at a
fixed rate.

What is not the same work. Ours keeps the payload and the envelope, checks the grammar of all JSON,
nulls and names what does not fit, and records positions in every snapshot; it commits whenever
32 MiB or a second are there. The peers commit every 5 seconds while throughput is measured, in
their favour. Flink parses the typed columns with its json format, which drops the payload, keeps
times as text and stops for good at a malformed record; with the payload it must go through SQL's
JSON functions. Connect keeps the payload by a converter of ours. Customer and items are structs in
the peers' tables and JSON text in ours, except where Flink keeps the payload. Flink's checkpoints
stay in memory. Nobody is asked here what a kill loses or repeats.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog.rest import RestCatalog

from shared.cli.output import progress
from shared.lake.catalog import open_catalog
from shared.runtime.errors import CheckFailed, Unavailable
from tests.bench import orders
from tests.bench.peers.connect import ConnectTyped, ConnectWithPayload
from tests.bench.peers.contestant import Contestant, wait_for
from tests.bench.peers.flink import FlinkTyped, FlinkWithPayload
from tests.bench.peers.ours import StreamWriter
from tests.bench.peers.topic import Filler, empty
from tests.bench.polling_reader import polling_reader
from tests.bench.report import Measure, cpu_seconds, measure
from tests.support.apache_kafka.jars import Absent
from tests.support.real_kafka import RealKafka
from tests.support.storage import StorageProcess

CONTESTANTS: tuple[type[Contestant], ...] = (
    StreamWriter,
    FlinkTyped,
    FlinkWithPayload,
    ConnectTyped,
    ConnectWithPayload,
)
QUICK_CONTESTANTS = (StreamWriter, FlinkTyped, ConnectWithPayload)
MIB = 1024 * 1024
DISTINCT = 4000
COMMIT_SECONDS = 5
"""Between the peers' commits while throughput is measured."""

LAND_SECONDS = 180.0
CALM_SECONDS = 5.0
RATE = 500.0
"""Records a second while freshness is measured, with a commit a second."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done: megabytes (10^6 bytes) of values, and seconds of freshness."""

    warm_up: float
    round: float
    fresh_seconds: float


FULL = Plan(warm_up=150, round=60, fresh_seconds=20)
QUICK = Plan(warm_up=2, round=2, fresh_seconds=2)


@dataclass(slots=True)
class Figures:
    """Of one contestant, a value for each round."""

    title: str
    speeds: list[float] = field(default_factory=list)
    idle_bytes: int = 0
    peak_bytes: int = 0
    p50: float = 0.0
    p99: float = 0.0


def run(rounds: int, *, quick: bool = False) -> list[Measure]:
    """One contestant after another; ratios are ours to theirs.

    Raises:
        Unavailable: nothing of this can run here; says why.
    """
    plan = QUICK if quick else FULL
    found: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        storage = StorageProcess(root)
        try:
            kafka = RealKafka(root)
        except Absent as reason:
            raise Unavailable(
                f"peers cannot run here: {reason}", "install a JDK, 17 or newer, and Maven"
            ) from reason
        try:
            storage.start()
            kafka.start()
            course = _Course(storage, kafka)
            for kind in QUICK_CONTESTANTS if quick else CONTESTANTS:
                try:
                    found[kind.name] = course.measured(kind, root, plan, rounds)
                except Absent as reason:
                    progress("left out", contestant=kind.title, reason=str(reason))
        finally:
            kafka.close()
            storage.close()
    return _measures(found)


class _Course:
    """What all contestants share: broker, catalog, store, records."""

    def __init__(self, storage: StorageProcess, kafka: RealKafka) -> None:
        self._settings = storage.settings.model_copy(update={"brokers": kafka.bootstrap})
        self._values = orders.thin(orders.faithful(DISTINCT))
        self._filler = Filler(kafka.bootstrap)
        self._catalog = open_catalog(self._settings)

    def measured(self, kind: type[Contestant], root: Path, plan: Plan, rounds: int) -> Figures:
        """All figures of one contestant."""
        directory = root / kind.name
        directory.mkdir()
        contestant = kind(self._settings, directory)
        contestant.prepare()
        figures = Figures(contestant.title)
        try:
            self._throughput(contestant, plan, rounds, figures)
            self._freshness(contestant, plan, figures)
        except CheckFailed as failure:
            raise CheckFailed(f"{contestant.title}: {failure.what}", contestant.log()) from failure
        finally:
            contestant.stop()
        return figures

    def _throughput(
        self, contestant: Contestant, plan: Plan, rounds: int, figures: Figures
    ) -> None:
        empty(self._settings.brokers)
        contestant.start(1 if isinstance(contestant, StreamWriter) else COMMIT_SECONDS)
        self._land(contestant, self._values[:1000])
        time.sleep(CALM_SECONDS)
        figures.idle_bytes = contestant.memory()
        self._land(contestant, self._some(plan.warm_up))
        for number in range(rounds):
            values = self._some(plan.round)
            used = self._land(contestant, values)
            figures.speeds.append(sum(map(len, values)) / 1e6 / used)
            progress("round done", contestant=contestant.name, number=number + 1, of=rounds)
        figures.peak_bytes = contestant.peak_memory()
        contestant.stop()

    def _freshness(self, contestant: Contestant, plan: Plan, figures: Figures) -> None:
        empty(self._settings.brokers)
        contestant.start(1)
        self._land(contestant, self._values[:1000])
        values = orders.thin(orders.faithful(round(RATE * plan.fresh_seconds), seed=11))
        records = orders.records(values)
        sent: dict[str, float] = {}

        def note(index: int, at: float) -> None:
            key = records[index].key
            assert key is not None
            sent[key.decode()] = at

        with polling_reader(self._settings, [contestant.table], "id") as reader:
            self._filler.pace(records, RATE, note)
            rows = reader.rows(len(records), LAND_SECONDS)
        contestant.stop()
        waits = pa.array([row.read_at - sent[row.key] for row in rows])
        figures.p50, figures.p99 = pc.quantile(waits, [0.5, 0.99]).to_pylist()

    def _land(self, contestant: Contestant, values: Sequence[bytes]) -> float:
        """Produce, wait until the table has it all; CPU-seconds that it took."""
        goal = rows(self._catalog, contestant.table) + len(values)
        records = orders.records(values)
        contestant.pause()
        try:
            before = cpu_seconds(contestant.pid)
            self._filler.fill(records)
        finally:
            contestant.resume()

        def landed() -> bool:
            contestant.check()
            return rows(self._catalog, contestant.table) >= goal

        wait_for(landed, f"{goal} rows in {contestant.table}", LAND_SECONDS)
        used = cpu_seconds(contestant.pid) - before
        there = rows(self._catalog, contestant.table)
        if there != goal:
            raise CheckFailed(f"{contestant.table} holds {there} rows, not {goal}")
        return used

    def _some(self, megabytes: float) -> list[bytes]:
        mean = sum(map(len, self._values)) / len(self._values)
        return list(islice(cycle(self._values), round(megabytes * 1e6 / mean)))


def rows(catalog: RestCatalog, table: str) -> int:
    """Rows of the table's head, by its summary."""
    head = catalog.load_table(table).current_snapshot()
    if head is None or head.summary is None:
        return 0
    return int(head.summary["total-records"] or 0)


def _measures(found: dict[str, Figures]) -> list[Measure]:
    ours = found[StreamWriter.name]
    measures = [measure("topic_to_snapshot", ours.speeds, "MB/CPU-s")]
    for name, each in found.items():
        if each is not ours:
            measures.append(
                measure(
                    f"topic_to_snapshot_beside_{name}",
                    ours.speeds,
                    "MB/CPU-s",
                    peer=each.title,
                    peer_values=each.speeds,
                )
            )
    for name, each in found.items():
        measures += [
            measure(f"idle_memory_{name}", [each.idle_bytes / MIB], "MiB"),
            measure(f"peak_memory_{name}", [each.peak_bytes / MIB], "MiB"),
            measure(f"fresh_p50_{name}", [each.p50], "s"),
            measure(f"fresh_p99_{name}", [each.p99], "s"),
        ]
    return measures
