"""The soak itself: a platform, writers in processes of their own, and who watches them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from shared.lake.catalog import open_catalog
from shared.lake.sweeping import SAFE_DELAY_S
from shared.tables.registry import TABLES
from tests.chaos.plain_catalog import plain_catalog
from tests.soak.eager import MAINTAINER, let_settings_count
from tests.soak.judge import Evidence
from tests.soak.ledger import LedgerReader
from tests.soak.outcomes import told
from tests.soak.rows import TABLES_SOAKED, Soaked
from tests.soak.sampling import Sample, sample
from tests.soak.stored import Stock, Stored
from tests.soak.witness import Comparison, account, compare, rows_at
from tests.soak.writers import STREAMS, Writers
from tests.support.maintainer import owned
from tests.support.platform import EmbeddedPlatform
from tests.support.transformer import until

SAMPLED_EVERY_S, LISTED_EVERY_S, TOLD_EVERY_S = 5.0, 10.0, 10.0
COMPARED_EVERY_S = 20.0
COMPARED_AT_LEAST = 4
"""Times that both tables are compared in a run, however short."""
KNOWN_WITHIN_S, READ_WITHIN_S = 90.0, 120.0
OLDER_IN_THE_END = 6
"""Older versions that are compared once the writers have ended."""

Told = Callable[[dict[str, object]], None]


def soak_platform(directory: Path) -> EmbeddedPlatform:
    """A platform of storage, broker and two maintainers; the writers are ours."""
    replicas = {"maintainer": 2, "ingest": 0, "stream_writer": 0, "transformer": 0, "alerter": 0}
    return EmbeddedPlatform(directory, replicas=replicas, environment=MAINTAINER)


class Soak:
    """One run on a platform that is ready.

    Args:
        platform: see :func:`soak_platform`.
        directory: of ledgers and logs.
        progress: told how it goes every few seconds.
    """

    def __init__(self, platform: EmbeddedPlatform, directory: Path, progress: Told) -> None:
        self._platform, self._settings = platform, platform.settings
        self._progress = progress
        self._catalog = plain_catalog(self._settings)
        self._writers = Writers(directory, platform.variables)
        self._ledger = LedgerReader(directory, STREAMS)
        self._stock = {name: Stock() for name in TABLES_SOAKED}
        self._samples: dict[str, list[Sample]] = {name: [] for name in TABLES_SOAKED}
        self._stored: dict[str, list[Stored]] = {name: [] for name in TABLES_SOAKED}
        self._comparisons: list[Comparison] = []
        self._strange: list[str] = []
        self._began = 0.0
        self.cores = 0.0
        """In use on average, once it has run."""

    def run(self, seconds: float) -> Evidence:
        """Write for so long, watch, and gather what is known in the end."""
        since = datetime.now(UTC)
        catalog = open_catalog(self._settings)
        for name in TABLES_SOAKED:
            let_settings_count(catalog.load_table(self._settings.environment.table(name)))
        until(self._is_shared, "every table has a maintainer")
        before, self._began = self._cpu(), time.monotonic()
        self._writers.start()
        try:
            self._watch(seconds)
            ran = time.monotonic() - self._began
            self.cores = (self._cpu() - before) / ran
            died = self._writers.stop()
        finally:
            self._writers.kill()
        self._progress({"step": "comparing the end"})
        for soaked in TABLES_SOAKED.values():
            self._compare_the_end(soaked)
            self._list(soaked.name)
        return Evidence(
            seconds=ran,
            entries=self._ledger.entries,
            died=died,
            comparisons=self._comparisons,
            strange=self._strange,
            samples=self._samples,
            stored=self._stored,
            maintenance=told(self._settings, since, TABLES_SOAKED),
        )

    def _is_shared(self) -> bool:
        """Tables that change hands later are forgotten: what they left waits for another sweep."""
        return owned(self._platform, 0) | owned(self._platform, 1) == set(TABLES)

    def _watch(self, seconds: float) -> None:
        compared_every = min(COMPARED_EVERY_S, seconds / (COMPARED_AT_LEAST + 1))
        work: dict[str, tuple[float, Callable[[], None]]] = {
            "sample": (SAMPLED_EVERY_S, self._sample_all),
            "list": (LISTED_EVERY_S, self._list_all),
            "compare": (compared_every, self._compare_all),
            "tell": (TOLD_EVERY_S, self._tell),
        }
        due = {name: self._began + every for name, (every, _) in work.items()}
        end = self._began + seconds
        while time.monotonic() < end and not self._writers.died():
            name = min(due, key=lambda each: due[each])
            time.sleep(max(0.0, min(due[name], end) - time.monotonic()))
            if time.monotonic() >= end:
                break
            every, do = work[name]
            do()
            due[name] = max(due[name] + every, time.monotonic())

    def _sample_all(self) -> None:
        for name in TABLES_SOAKED:
            if self._load(name).current_snapshot() is not None:
                at_s = time.monotonic() - self._began
                found, _ = sample(self._catalog, self._settings, name, at_s)
                self._samples[name].append(found)

    def _list_all(self) -> None:
        for name in TABLES_SOAKED:
            self._list(name)

    def _list(self, name: str) -> None:
        self._ledger.look()
        looked = self._stock[name].look(
            self._load(name), lambda: self._load(name), self._ledger.given_up()
        )
        self._stored[name].append(looked)

    def _compare_all(self) -> None:
        """The head of each table, or by turns the oldest version that is retained."""
        for number, soaked in enumerate(TABLES_SOAKED.values()):
            table = self._load(soaked.name)
            if table.current_snapshot() is not None:
                turn = (len(self._comparisons) // len(TABLES_SOAKED) + number) % 2
                older = _readable(table)[:turn]
                self._compare(soaked, table, older[0].snapshot_id if older else None)

    def _compare_the_end(self, soaked: Soaked) -> None:
        table = self._load(soaked.name)
        head = table.current_snapshot()
        if head is None:
            return
        older = [each.snapshot_id for each in _readable(table) if each != head]
        chosen = random.Random(0).sample(older, min(OLDER_IN_THE_END, len(older)))
        for snapshot_id in (*chosen, None):
            self._compare(soaked, table, snapshot_id, ended=True)

    def _compare(
        self, soaked: Soaked, table: Table, snapshot_id: int | None, *, ended: bool = False
    ) -> None:
        """Read a version, wait until all is known that came before it, compare."""
        pinned = time.time()
        chosen = table.current_snapshot() if snapshot_id is None else None
        chosen = chosen or table.metadata.snapshot_by_id(snapshot_id or 0)
        assert chosen is not None
        sequence = chosen.sequence_number or 0
        rows = rows_at(soaked, table, chosen.snapshot_id)
        streams = [stream for stream, name in STREAMS.items() if name == soaked.name]
        give_up = time.monotonic() + KNOWN_WITHIN_S
        self._ledger.look()
        while not ended and not self._ledger.known_since(soaked.name, streams, pinned):
            if self._writers.died() or time.monotonic() > give_up:
                return
            time.sleep(0.05)
            self._ledger.look()
        try:
            expected = account(self._ledger.of(soaked.name), sequence)
        except ValueError as error:
            self._strange.append(str(error))
            return
        head = snapshot_id is None
        self._comparisons.append(compare(soaked, sequence, rows, expected, head=head))

    def _tell(self) -> None:
        self._ledger.look()
        landed = {s: sum(1 for e in each if e.sequence) for s, each in self._ledger.entries.items()}
        wrong = sum(
            each.lost + each.resurrected + each.doubled + each.altered for each in self._comparisons
        )
        files = {
            name: f"{each[-1].data_files}+{each[-1].delete_files}"
            for name, each in self._samples.items()
            if each
        }
        self._progress(
            {
                "step": f"{time.monotonic() - self._began:.0f} s",
                **landed,
                **files,
                "compared": len(self._comparisons),
                "wrong": wrong,
            }
        )

    def _load(self, name: str) -> Table:
        table: Table = self._catalog.load_table(self._settings.environment.table(name))
        return table

    def _cpu(self) -> float:
        """CPU seconds so far of this process and all that it, or the supervisor, has started."""
        pids = [each.pid for each in self._platform.state.processes if each.pid]
        found = 0.0
        for pid in {psutil.Process().pid, *pids, *self._writers.pids}:
            try:
                times = psutil.Process(pid).cpu_times()
            except psutil.NoSuchProcess:
                continue
            found += times.user + times.system
        return found


def _readable(table: Table) -> list[Snapshot]:
    """Versions that nobody may remove while they are read, oldest first: expiry removes what is
    older at any moment, files and all."""
    since_ms = (time.time() - SAFE_DELAY_S + READ_WITHIN_S) * 1000
    every = sorted(table.metadata.snapshots, key=lambda each: each.sequence_number or 0)
    return [each for each in every if each.timestamp_ms > since_ms]
