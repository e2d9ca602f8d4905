"""A reader in a process of its own that polls tables and notes when it had each row in hands.

What a commit makes visible is not yet read: a reader asks the catalog, then fetches manifests and
data files from the store. This one does so again and again, as an incremental job would: of a table
with a new head it reads the ids in the data files that it has not read before.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pyarrow.parquet as pq
from pyiceberg.catalog.rest import RestCatalog

from shared.contracts.environment import Environment
from shared.lake.catalog import load, open_catalog
from shared.runtime.errors import CheckFailed
from shared.runtime.settings import CONNECTION_FILE, Settings

PAUSE_SECONDS = 0.05
"""Between two looks at all tables."""

START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One row as the reader met it; times in seconds since the epoch.

    Attributes:
        delivery_id: which delivery it holds.
        committed_at: when its snapshot was made, by the snapshot's own word.
        read_at: when the reader had it.
    """

    delivery_id: str
    committed_at: float
    read_at: float


class PollingReader:
    """The reader's handle in the process that started it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def rows(self, count: int, seconds: float) -> list[ReadRow]:
        """All rows read since the start, as soon as there are ``count``.

        Raises:
            CheckFailed: there are fewer after so many seconds.
        """
        self._pipe.send((count, time.monotonic() + seconds))
        found: list[ReadRow] = self._pipe.recv()
        if len(found) < count:
            raise CheckFailed(f"of {count} rows {len(found)} were read within {seconds:g} s")
        return found


@contextmanager
def polling_reader(
    directory: Path, environment: str, tables: Sequence[str]
) -> Iterator[PollingReader]:
    """A reader of these tables, as soon as it knows what they hold now.

    Args:
        directory: the platform's data directory, which says where everything is.
        environment: the platform's environment.
        tables: logical names.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_poll, args=(directory, environment, tables, theirs))
    process.start()
    theirs.close()
    try:
        if not ours.poll(START_SECONDS):
            raise CheckFailed(f"the reader did not start within {START_SECONDS:g} s")
        ours.recv()
        yield PollingReader(ours)
    finally:
        process.kill()
        process.join()
        ours.close()


class _Table:
    """What is new in one table since it was looked at last."""

    def __init__(self, catalog: RestCatalog, environment: Environment, name: str) -> None:
        self._where = catalog, environment, name
        self._head: int | None = None
        self._manifests: set[str] = set()
        self._files: set[str] = set()

    def new_rows(self) -> Iterator[ReadRow]:
        table = load(*self._where)
        head = table.current_snapshot()
        if head is None or head.snapshot_id == self._head:
            return
        committed = {
            each.snapshot_id: each.timestamp_ms / 1000 for each in table.metadata.snapshots
        }
        for manifest in head.manifests(table.io):
            if manifest.manifest_path in self._manifests:
                continue
            for entry in manifest.fetch_manifest_entry(table.io):
                path = entry.data_file.file_path
                if path in self._files:
                    continue
                with table.io.new_input(path).open() as file:
                    ids = pq.read_table(file, columns=["_delivery_id"])["_delivery_id"].to_pylist()
                read_at = time.time()
                # A thinned snapshot made its rows visible long ago: only ours are looked up.
                committed_at = committed.get(entry.snapshot_id or 0, 0.0)
                yield from (ReadRow(each, committed_at, read_at) for each in ids)
                self._files.add(path)
            self._manifests.add(manifest.manifest_path)
        self._head = head.snapshot_id


def _poll(directory: Path, environment: str, names: Collection[str], pipe: Connection) -> None:
    settings = Settings(_env_file=directory / CONNECTION_FILE, env=environment)
    catalog = open_catalog(settings)
    tables = [_Table(catalog, settings.environment, name) for name in names]
    for table in tables:
        list(table.new_rows())
    pipe.send("ready")
    found: list[ReadRow] = []
    wanted: int | None = None
    deadline = float("inf")
    while (wanted is None or len(found) < wanted) and time.monotonic() < deadline:
        for table in tables:
            found += table.new_rows()
        if pipe.poll(PAUSE_SECONDS) and wanted is None:
            wanted, deadline = pipe.recv()
    pipe.send(found)
