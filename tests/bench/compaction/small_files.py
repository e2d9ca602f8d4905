"""``raw.shopify_orders`` with one partition of many small files, as often as wanted."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from obstore import delete
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from shared.contracts.environment import Environment
from shared.contracts.identity import uuid7
from shared.lake import commit as lake
from shared.lake.announcements import KEY_ERRORS, KEY_ROWS
from shared.lake.bootstrap import create_tables
from shared.lake.handle import TableHandle
from shared.lake.landing_files import write_data_file
from shared.lake.maintenance.object_store import bucket
from shared.lake.position import Tail
from shared.lake.rest_catalog import BoundedRestCatalog
from shared.runtime.errors import CheckFailed
from shared.tables.registry import TABLES
from tests.bench.builds.order_history import TEMPLATES, TOPIC, OrderHistory

ORDERS = TABLES["raw.shopify_orders"]

FILES_A_COMMIT = 20
"""The writer commits a file at a time; what is compacted is the same, and it is there sooner."""

_WRITES = 4
_FIRST_TIME_MS = 1_700_000_000_000
_FILE_PATH = 1
"""Place of the path in a data file of the specification's format 2."""


class SmallFiles:
    """Files that stream_writer would have written, kept on local disk, and tables made of them.

    All rows were loaded on one day, so all files are of one partition. What follows from a table's
    name alone differs between two tables: the paths.

    Args:
        catalog: where the tables are made.
        directory: of its own, for the copies.
        files: how many.
        rows: in each.
        templates: orders that all others are made of.
    """

    def __init__(
        self,
        catalog: BoundedRestCatalog,
        directory: Path,
        files: int,
        rows: int,
        templates: int = TEMPLATES,
    ) -> None:
        self.files, self.rows = files, rows
        self._catalog = catalog
        self._directory = directory
        self._written: list[DataFile] = []
        directory.mkdir(parents=True)
        environment = f"pattern{files}"
        create_tables(catalog, Environment(environment), [ORDERS])
        table = TableHandle(catalog, Environment(environment), ORDERS.name).load()
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        history = OrderHistory(files * rows, midnight, templates=templates)
        for number in range(files):
            landed = history.rows(number * rows, (number + 1) * rows)
            file = write_data_file(table, landed, midnight.date())
            with table.io.new_input(file.file_path).open() as stream:
                self._copy(number).write_bytes(stream.read())
            self._written.append(file)
        self.drop(environment)

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(file.file_size_in_bytes for file in self._written)

    def table(self, environment: str) -> TableHandle:
        """A new table of these files, in an environment of its own."""
        create_tables(self._catalog, Environment(environment), [ORDERS])
        handle = TableHandle(self._catalog, Environment(environment), ORDERS.name)
        table = handle.load()
        with ThreadPoolExecutor(_WRITES) as pool:
            placed = list(pool.map(lambda number: self._place(table, number), range(self.files)))
        for first in range(0, self.files, FILES_A_COMMIT):
            _append(handle, placed[first : first + FILES_A_COMMIT], first * self.rows)
        return handle

    def drop(self, environment: str) -> None:
        """Remove a table and every file below its location."""
        table = TableHandle(self._catalog, Environment(environment), ORDERS.name).load()
        self._catalog.drop_table(Environment(environment).table(ORDERS.name))
        store = bucket(table.io, table.location())
        prefix = table.location().split("/", 3)[3].rstrip("/") + "/"
        for listed in store.list(prefix):
            delete(store, [each["path"] for each in listed])

    def _place(self, table: Table, number: int) -> DataFile:
        """A copy of a file in a table's own place."""
        name = "/".join(self._written[number].file_path.rsplit("/", 2)[1:])
        file = copy.deepcopy(self._written[number])
        location = table.location_provider().new_data_location(name)
        with table.io.new_output(location).create() as stream:
            stream.write(self._copy(number).read_bytes())
        file[_FILE_PATH] = location  # its property cannot be set
        file.spec_id = table.metadata.default_spec_id
        return file

    def _copy(self, number: int) -> Path:
        return self._directory / f"{number}.parquet"


def environments(name: str) -> Iterator[str]:
    """Names of environments, a new one each time."""
    number = 0
    while True:
        yield f"{name}x{number}"
        number += 1


def _append(handle: TableHandle, files: Sequence[DataFile], start: int) -> None:
    rows = sum(file.record_count for file in files)
    end = start + rows

    def on(head: lake.Head, _: bool) -> lake.Append:
        positions = head.recorded.positions
        if positions is None or (positions.next_offset(TOPIC, 0) or 0) != start:
            raise CheckFailed(f"{ORDERS.name} does not stand at offset {start}")
        tail = Tail(end - 1, uuid7(), _FIRST_TIME_MS + end)
        moved = positions.advance(TOPIC, 0, start=start, end=end, rows=rows, errors=0, tail=tail)
        return lake.Append(files, moved, {KEY_ROWS: str(rows), KEY_ERRORS: "0"})

    outcome = lake.commit(handle, on, commit_id=uuid7(), writer="bench")
    if outcome.result is not lake.Result.COMMITTED:
        raise CheckFailed(f"a commit to {ORDERS.name} ended as {outcome.result.value}")
