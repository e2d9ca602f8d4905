"""Megabytes of small files that a CPU-second compacts, commits included, and the memory it takes.

A partition of ``raw.shopify_orders`` with a million orders, payload and all, lies in 200 files of
5,000 rows or in 1,000 files of 1,000, files as stream_writer writes them, or in 8 files of 125,000
(``compact_big``), each one row group that ours copies. It is made anew for every
contestant and round, in one SeaweedFS that is store and REST catalog for everybody. Contestants
take turns; each works in a process of its own that stays, so its start, its first compaction and
its later ones, warm, are told apart. After each one DuckDB reads the table: there must be as many
rows as before, with the same sum of hashes over all columns.

What is counted is CPU of the contestant's processes; a megabyte is 10^6 bytes of the files that
are compacted, as they lie in the store. CPU of the storage is counted apart (``…_storage``).
Everybody makes files of 128 MiB at most, as ours does; the rest is as it comes:

- Ours (:mod:`~.ours`) commits each group of up to half a GiB by itself and follows every row, so
  that deletes which others commit meanwhile are kept. It writes zstd at level 1.
- Spark (:mod:`~.spark`) runs ``rewrite_data_files`` as one JVM of at most 4 GiB with the parallel
  collector and two threads; its memory is what that heap lets it take. It writes zstd at level 3,
  Iceberg's default. It refuses to write a table that has a column ``_partition``, a name that
  Iceberg's Java library reserves, so there that column gets another name first, as it asks. It
  takes part where ``make spark`` has fetched it.
- iceberg-compaction (:mod:`~.rust`), RisingWave's, is a prerelease, here with batches of 8,192 rows
  instead of 1,024. It writes Snappy, whatever the table says: larger files for less CPU.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.cli.output import progress
from shared.lake.catalog import open_catalog
from shared.lake.handle import TableHandle
from shared.lake.reading.live_files import live_files
from shared.runtime.errors import CheckFailed
from tests.bench.builds.order_history import TEMPLATES
from tests.bench.builds.process import settled
from tests.bench.compaction.contestant import Compactor, Unable
from tests.bench.compaction.figures import Compacted, Runs, Shape, measures
from tests.bench.compaction.ours import Bergline
from tests.bench.compaction.rust import IcebergCompaction
from tests.bench.compaction.same_rows import Rows, require_same, rows_of
from tests.bench.compaction.small_files import SmallFiles, environments
from tests.bench.compaction.spark import Spark
from tests.bench.report import Measure, cpu_seconds
from tests.support.maven_jars import Absent
from tests.support.storage import StorageProcess

ROWS = (5000, 1000, 125_000)
"""Rows in a file. Of the first number all rounds are measured; of the others one less, so that the
whole of it is done in a quarter of an hour: most of that is the peers'."""

BIG_ROWS = 50_000
"""In a file of ``compact_big``."""

ALL_ROWS = 1_000_000
QUICK_FILES = 20
PEERS: tuple[type[Compactor], ...] = (Spark, IcebergCompaction)


def run(rounds: int, *, quick: bool = False, rows: Sequence[int] | None = None) -> list[Measure]:
    """All contestants with every shape of table.

    Args:
        rounds: how often everybody compacts, once warm.
        quick: 20 files of one size.
        rows: numbers of rows in a file; the table has a million, or 20 files if quick. All rounds
            of each are measured.
    """
    shapes = []
    chosen = rows or (ROWS[:1] if quick else ROWS)
    for at, count in enumerate(chosen):
        files = QUICK_FILES if quick else max(2, ALL_ROWS // count)
        times = rounds if at == 0 or rows else max(1, rounds - 1)
        progress("case", rows=count, files=files, rounds=times, number=at + 1, of=len(chosen))
        with tempfile.TemporaryDirectory() as directory:
            shapes.append(compared(Path(directory), files, count, times))
    return measures(shapes)


def compared(
    directory: Path,
    files: int,
    rows: int,
    rounds: int,
    peers: Sequence[type[Compactor]] = PEERS,
    templates: int = TEMPLATES,
) -> Shape:
    """All contestants with one shape of table.

    Args:
        directory: for the storage and everything else.
        files: of the table.
        rows: in a file.
        rounds: how often everybody compacts, once warm.
        peers: beside ours.
        templates: orders that all others are made of.

    Raises:
        CheckFailed: somebody lost or changed a row, or ours did not compact.
    """
    storage = StorageProcess(directory)
    try:
        storage.start()
        course = _Course(storage, directory, files, rows, templates)
        try:
            return course.measured(rounds, peers)
        finally:
            course.close()
    finally:
        storage.close()


class _Course:
    """One shape of table, and the contestants."""

    def __init__(
        self, storage: StorageProcess, directory: Path, files: int, rows: int, templates: int
    ) -> None:
        self._storage = storage
        self._directory = directory
        self._tables = SmallFiles(
            open_catalog(storage.settings), directory / "files", files, rows, templates
        )
        progress("files written", files=files, rows=rows, megabytes=round(self._tables.bytes / 1e6))
        self._environments: Iterator[str] = environments(f"files{files}")
        self._rows: Rows | None = None
        self._running: list[Compactor] = []

    def measured(self, rounds: int, peers: Sequence[type[Compactor]]) -> Shape:
        """Everything with this shape."""
        found: dict[str, Runs] = {}
        contestants: list[type[Compactor]] = [Bergline, *peers]
        for kind in contestants:
            self._begin(kind, found)
        for number in range(rounds):
            for each in tuple(self._running):
                try:
                    found[each.name].warm.append(self._compacted(each, "warm"))
                except Unable as reason:
                    self._leave_out(each, str(reason))
                    del found[each.name]
            progress("round done", files=self._tables.files, number=number + 1, of=rounds)
        ours = found.pop(Bergline.name)
        tables = self._tables
        name = "compact_big" if tables.rows >= BIG_ROWS else f"compact_{tables.files}"
        return Shape(name, tables.files, tables.bytes, ours, found)

    def close(self) -> None:
        """End all contestants."""
        for each in self._running:
            each.stop()

    def _begin(self, kind: type[Compactor], found: dict[str, Runs]) -> None:
        """Start a contestant and let it compact once."""
        try:
            contestant = kind(self._directory / kind.name, self._storage)
        except Absent as reason:
            progress("left out", contestant=kind.title, reason=str(reason))
            return
        self._running.append(contestant)
        try:
            start = contestant.open()
            found[kind.name] = Runs(kind.title, start, self._compacted(contestant, "first"))
        except Unable as reason:
            self._leave_out(contestant, str(reason))

    def _leave_out(self, contestant: Compactor, reason: str) -> None:
        """End a peer that cannot; without ours there is nothing to tell."""
        if contestant.name == Bergline.name:
            raise CheckFailed(reason)
        progress("left out", contestant=contestant.title, reason=reason)
        contestant.stop()
        self._running.remove(contestant)

    def _compacted(self, contestant: Compactor, what: str) -> Compacted:
        """Make a table, have it compacted, check it and remove it."""
        environment = next(self._environments)
        handle = self._tables.table(environment)
        contestant.prepare(environment)
        if self._rows is None:
            self._rows = rows_of(self._storage.settings, environment)
        settled(self._storage.pid)
        before = cpu_seconds(self._storage.pid)
        cost = contestant.compact(environment)
        settled(self._storage.pid)
        storage = cpu_seconds(self._storage.pid) - before
        files = _sizes(handle)
        progress(
            "compacted",
            contestant=contestant.name,
            what=what,
            cpu=round(cost.cpu, 3),
            wall=round(cost.wall, 3),
            files=len(files),
            megabytes=round(sum(files) / 1e6),
            peak_mib=cost.peak >> 20,
        )
        require_same(contestant.title, self._rows, rows_of(self._storage.settings, environment))
        if len(files) >= self._tables.files:
            raise CheckFailed(f"{contestant.title} left {len(files)} files")
        self._tables.drop(environment)
        return Compacted(cost, storage, len(files), sum(files))


def _sizes(handle: TableHandle) -> list[int]:
    """Bytes of every file that the head has."""
    head = handle.reload().current_snapshot()
    assert head is not None
    live = live_files(handle.table, head)
    return [each.file.file_size_in_bytes for each in live.data.values()]
