"""``raw.shopify_orders`` of an environment of its own, filled as stream_writer fills it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from pyiceberg.manifest import DataFile

from shared.contracts.environment import Environment
from shared.contracts.identity import uuid7
from shared.lake import commit as lake
from shared.lake.announcements import KEY_ERRORS, KEY_ROWS
from shared.lake.bootstrap import create_tables
from shared.lake.handle import TableHandle
from shared.lake.landing_files import write_data_file
from shared.lake.position import Tail
from shared.lake.rest_catalog import BoundedRestCatalog
from shared.runtime.errors import CheckFailed
from shared.tables.registry import TABLES
from tests.bench.builds.chain import chain
from tests.bench.builds.order_history import TOPIC, OrderHistory, Which, parsed

ORDERS = TABLES["raw.shopify_orders"]

ROWS_A_FILE = 100_000
"""Of the history: files as compaction leaves them. A change is one file, as a writer's commit."""


class RawOrders:
    """A history, and changes to it, in the lake and as copies of the same files on local disk.

    Args:
        catalog: where.
        environment: name of the environment; all tables of the chain are made there.
        history: what is loaded at first.
        copies: directory for the copies, which peers read.
    """

    def __init__(
        self,
        catalog: BoundedRestCatalog,
        environment: str,
        history: OrderHistory,
        copies: Path,
    ) -> None:
        self.environment = Environment(environment)
        self.catalog = catalog
        self.history = history
        create_tables(catalog, self.environment, [ORDERS, *(TABLES[name] for name in chain())])
        self._handle = TableHandle(catalog, self.environment, ORDERS.name)
        self._copies = copies
        self._next = 0
        self._changes = 0
        copies.mkdir(parents=True)

    def load(self) -> list[Path]:
        """Land the history in one commit; the copies of its files."""
        found = []
        files: list[DataFile] = []
        for first in range(0, self.history.count, ROWS_A_FILE):
            rows = self.history.rows(first, first + ROWS_A_FILE)
            files.append(self._write(rows))
            found.append(self._copied(files[-1]))
        self._commit(files, self.history.count)
        return found

    def change(self, which: Which, orders: int) -> Path:
        """Land the next version of so many orders in one commit; the copy of its file."""
        self._changes += 1
        numbers = self.history.chosen(which, orders, self._changes)
        versions = self.history.versions(numbers, self._changes)
        file = self._write(parsed(versions, self._next, datetime.now(UTC)))
        self._commit([file], orders)
        return self._copied(file)

    def _write(self, rows: pa.Table) -> DataFile:
        return write_data_file(self._handle.table, rows, self.history.end.date())

    def _copied(self, file: DataFile) -> Path:
        copy = self._copies / file.file_path.rsplit("/", 1)[-1]
        with (
            self._handle.table.io.new_input(file.file_path).open() as source,
            copy.open("wb") as to,
        ):
            shutil.copyfileobj(source, to, 1 << 20)
        return copy

    def _commit(self, files: Sequence[DataFile], rows: int) -> None:
        start, end = self._next, self._next + rows

        def on(head: lake.Head, _: bool) -> lake.Append:
            positions = head.recorded.positions
            if positions is None or (positions.next_offset(TOPIC, 0) or 0) != start:
                raise CheckFailed(f"{ORDERS.name} does not stand at offset {start}")
            tail = Tail(end - 1, uuid7(), 1_700_000_000_000 + end)
            moved = positions.advance(
                TOPIC, 0, start=start, end=end, rows=rows, errors=0, tail=tail
            )
            return lake.Append(files, moved, {KEY_ROWS: str(rows), KEY_ERRORS: "0"})

        outcome = lake.commit(self._handle, on, commit_id=uuid7(), writer="bench")
        if outcome.result is not lake.Result.COMMITTED:
            raise CheckFailed(f"a commit to {ORDERS.name} ended as {outcome.result.value}")
        self._next = end
