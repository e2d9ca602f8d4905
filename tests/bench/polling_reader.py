"""A reader in a process of its own that polls tables and notes when it had each row in hands.

What a commit makes visible is not yet read: a reader asks the catalog, then fetches manifests and
data files from the store. This one does so again and again, as an incremental job would: of a table
with a new head it reads the keys in the data files that it has not read before.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

import pyarrow.parquet as pq
from pyiceberg.catalog.rest import RestCatalog

from shared.lake.catalog import open_catalog
from shared.runtime.errors import CheckFailed
from shared.runtime.settings import Settings

PAUSE_SECONDS = 0.05
"""Between two looks at all tables."""

START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One row as the reader met it; times in seconds since the epoch.

    Attributes:
        key: which row it is.
        committed_at: when its snapshot was made, by the snapshot's own word.
        read_at: when the reader had it.
    """

    key: str
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
    settings: Settings, tables: Sequence[str], column: str = "_delivery_id"
) -> Iterator[PollingReader]:
    """A reader of these tables, as soon as it knows what they hold now.

    Args:
        settings: where catalog and store are.
        tables: identifiers in the catalog.
        column: what tells rows apart.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_poll, args=(settings, tables, column, theirs))
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

    def __init__(self, catalog: RestCatalog, identifier: str, column: str) -> None:
        self._catalog = catalog
        self._identifier = identifier
        self._column = column
        self._head: int | None = None
        self._manifests: set[str] = set()
        self._files: set[str] = set()

    def new_rows(self) -> Iterator[ReadRow]:
        table = self._catalog.load_table(self._identifier)
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
                    keys = pq.read_table(file, columns=[self._column])[self._column].to_pylist()
                read_at = time.time()
                # A thinned snapshot made its rows visible long ago: only ours are looked up.
                committed_at = committed.get(entry.snapshot_id or 0, 0.0)
                yield from (ReadRow(str(each), committed_at, read_at) for each in keys)
                self._files.add(path)
            self._manifests.add(manifest.manifest_path)
        self._head = head.snapshot_id


def _poll(settings: Settings, names: Sequence[str], column: str, pipe: Connection) -> None:
    catalog = open_catalog(settings)
    tables = [_Table(catalog, name, column) for name in names]
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
