"""One commit through ``shared.lake.commit``, at 10, 100 and 400 retained snapshots.

Three tables on the embedded storage, told apart by their environments, each hold so many
snapshots; a commit adds one and its thinning removes the oldest, as in a table that has been
written to for long. Their histories begin with snapshots that only state positions, so that all
three list equally many manifests. The data file that a commit names is written before the clock
starts: what is counted, in this process and in the storage's, is the snapshot alone.
"""

from __future__ import annotations

import tempfile
import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pyiceberg.catalog import Catalog
from pyiceberg.manifest import DataFile

from services.stream_writer.parsing.rows import parse
from shared.cli.output import progress
from shared.contracts.environment import Environment
from shared.contracts.identity import uuid7
from shared.lake import commit as lake
from shared.lake.announcements import KEY_ERRORS, KEY_ROWS
from shared.lake.bootstrap import create_tables
from shared.lake.catalog import open_catalog
from shared.lake.data_files import write_data_file
from shared.lake.handle import TableHandle
from shared.lake.positions import Tail
from shared.lake.thinning import ThinningPolicy
from shared.runtime.errors import CheckFailed
from shared.tables.raw.shopify import ORDERS
from tests.bench import orders
from tests.bench.report import Measure, cpu_seconds, measure
from tests.support.storage import StorageProcess

RETAINED = (10, 100, 400)
QUICK = (10, 20)
COMMITS = 5
"""Of each table in each round."""

ROWS = 500
"""In the data file of a commit."""

TOPIC = "shopify.orders"
KEEP_WHAT_IS_PINNED = ThinningPolicy(dense_ms=0, minutes_ms=0, hours_ms=0)


class BoundedTable:
    """``raw.shopify_orders`` of an environment of its own, with a fixed number of snapshots."""

    def __init__(self, catalog: Catalog, retained: int) -> None:
        environment = Environment(f"kept{retained}")
        create_tables(catalog, environment, [ORDERS])
        self.handle = TableHandle(catalog, environment, ORDERS.name)
        self.retained = retained
        self._kept: deque[int] = deque(maxlen=retained - 1)

    def fill(self) -> None:
        """Commit until it retains as many as it should."""
        for _ in range(self.retained):
            self.commit([])
        self.check()

    def check(self) -> None:
        """See that it holds what its figures are told for.

        Raises:
            CheckFailed: it does not.
        """
        found = len(self.handle.reload().snapshots)
        if found != self.retained:
            raise CheckFailed(f"a table of {self.retained} snapshots retains {found}")

    def data_file(self, values: Sequence[bytes]) -> DataFile:
        """A data file for one commit."""
        now = datetime.now(UTC)
        rows = parse(ORDERS, TOPIC, orders.records(values), now).table
        return write_data_file(self.handle.table, rows, now.date())

    def commit(self, files: Sequence[DataFile]) -> None:
        """One snapshot: these files, positions after ``ROWS`` more records, one removal."""

        def on(head: lake.Head, _: bool) -> lake.Append:
            positions = head.recorded.positions
            if positions is None:
                raise CheckFailed(f"{self.handle.name} lost its positions")
            start = positions.next_offset(TOPIC, 0) or 0
            tail = Tail(start + ROWS - 1, uuid7(), int(time.time() * 1000))
            moved = positions.advance(
                TOPIC, 0, start=start, end=start + ROWS, rows=ROWS, errors=0, tail=tail
            )
            return lake.Append(files, moved, {KEY_ROWS: str(ROWS), KEY_ERRORS: "0"})

        outcome = lake.commit(
            self.handle,
            on,
            commit_id=uuid7(),
            writer="bench",
            thinning=lake.Thinning(KEEP_WHAT_IS_PINNED, pinned=frozenset(self._kept)),
        )
        if outcome.result is not lake.Result.COMMITTED or outcome.snapshot is None:
            raise CheckFailed(f"a commit to {self.handle.name} ended as {outcome.result.value}")
        self._kept.append(outcome.snapshot.snapshot_id)


def run(rounds: int, *, quick: bool = False) -> list[Measure]:
    """All tables take turns in every round; the peer is the table with the fewest snapshots."""
    found: dict[tuple[str, int], list[float]] = {}
    values = orders.faithful(ROWS)
    with tempfile.TemporaryDirectory() as directory:
        storage = StorageProcess(Path(directory))
        try:
            storage.start()
            catalog = open_catalog(storage.settings)
            tables = [BoundedTable(catalog, each) for each in (QUICK if quick else RETAINED)]
            for table in tables:
                table.fill()
                progress("table filled", snapshots=table.retained)
            for number in range(rounds):
                for table in tables:
                    for name, each in _timed(table, storage.pid, values).items():
                        found.setdefault((name, table.retained), []).append(each)
                progress("round done", number=number + 1, of=rounds)
            for table in tables:
                table.check()
        finally:
            storage.close()
    return [_beside_the_fewest(found, name, retained) for name, retained in sorted(found)]


def _beside_the_fewest(
    found: Mapping[tuple[str, int], Sequence[float]], name: str, retained: int
) -> Measure:
    title, values, fewest = f"{name}, {retained} snapshots", found[name, retained], RETAINED[0]
    if retained == fewest:
        return measure(title, values, "ms")
    peer = f"{fewest} snapshots"
    return measure(title, values, "ms", peer=peer, peer_values=found[name, fewest])


def _timed(table: BoundedTable, storage_pid: int, values: Sequence[bytes]) -> dict[str, float]:
    """Milliseconds per commit."""
    files = [table.data_file(values) for _ in range(COMMITS)]
    stored, cpu, wall = cpu_seconds(storage_pid), time.process_time(), time.perf_counter()
    for file in files:
        table.commit([file])
    spent = {
        "commit, CPU": time.process_time() - cpu,
        "commit, wall": time.perf_counter() - wall,
        "commit, CPU of the storage": cpu_seconds(storage_pid) - stored,
    }
    return {name: seconds * 1000 / COMMITS for name, seconds in spent.items()}
