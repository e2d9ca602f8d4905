"""Keyed reads and changes of a table of 1 M rows and 26 columns, in CPU of the reader.

The table is as tables of orders are: partitioned by month of creation over two years, sorted. It
is read in local files and on the embedded storage. A delta replaces 1,000 rows by position deletes
and appended rows. Recent rows are 1,000 of the last 3,000; scattered ones are 1,000 of all. The
peer is reading the same columns of all rows.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from shared.cli.output import progress
from shared.contracts.environment import Environment
from shared.lake.bootstrap import create_tables
from shared.lake.catalog import load, open_catalog
from shared.lake.data_files import write_rows
from shared.lake.position_deletes import write_position_deletes
from shared.lake.reading.changes import changes
from shared.lake.reading.live_files import live_files
from shared.lake.reading.scan import Keys, scan
from shared.lake.schema import arrow_schema
from shared.lake.table_state import SnapshotEntry
from shared.tables.spec import Column, Derivation, Grain, Kind, Partitioning, TableSpec, Type
from tests.bench.report import Measure, measure
from tests.support import foreign_snapshots
from tests.support.pointer_catalog import PointerCatalog
from tests.support.storage import StorageProcess

ROWS, QUICK_ROWS = 1_000_000, 20_000
CHANGED = 1_000
SECONDS = 63_000_000
"""Two years."""

_TYPES = (
    ("order_id", Type.LONG),
    ("created_at", Type.TIMESTAMP),
    ("customer_id", Type.STRING),
    ("email", Type.STRING),
    *((f"amount_{i}", Type.DECIMAL_18_2) for i in range(6)),
    *((f"text_{i}", Type.STRING) for i in range(8)),
    *((f"count_{i}", Type.LONG) for i in range(4)),
    *((f"moment_{i}", Type.TIMESTAMP) for i in range(2)),
    ("flag", Type.BOOLEAN),
    ("tags", Type.JSON),
)
ORDERS = TableSpec(
    "core.bench_orders",
    (),
    tuple(Column(name, type_, number) for number, (name, type_) in enumerate(_TYPES, 1)),
    Partitioning("created_at", Grain.MONTH),
    "Orders.",
    derived=Derivation(Kind.FOLD, (), ("order_id",), ("created_at", "order_id")),
)
NAMES = [column.name for column in ORDERS.columns]


@dataclass(slots=True)
class _Orders:
    """The table in one catalog."""

    catalog: Catalog
    rows: int

    @property
    def table(self) -> Table:
        return load(self.catalog, Environment(), ORDERS.name)

    @property
    def head(self) -> SnapshotEntry:
        head = self.table.current_snapshot()
        assert head is not None
        return SnapshotEntry.of(head)

    def fill(self) -> None:
        create_tables(self.catalog, Environment(), [ORDERS])
        self._commit(list(range(self.rows)), 0)

    def delta(self, ids: list[int], salt: int) -> None:
        """Rows of these ids are replaced by others."""
        self._commit(ids, salt)

    def _commit(self, ids: list[int], salt: int) -> None:
        table = self.table
        rows = _rows(ids, salt, self.rows)
        files = write_rows(
            table, ORDERS, rows.to_arrow().cast(arrow_schema(ORDERS)), target_bytes=2**26
        )
        if salt:
            found = scan(table, self.head, [], keys=_keys(ids), located=True)
            parts = found.partition_by("_file", as_dict=True)
            lost = {str(path): part["_pos"].to_list() for (path,), part in parts.items()}
            data = {path: live.file for path, live in live_files(table, self.head).data.items()}
            files += write_position_deletes(table, lost, data)
        foreign_snapshots.snapshot(table, added=[(file, None) for file in files])


def run(rounds: int, *, quick: bool = False) -> list[Measure]:
    """Both places in turn; every figure once a round, after one that does not count."""
    found: list[Measure] = []
    for place, opened in (("local", _local), ("storage", _storage)):
        with opened() as catalog:
            progress(f"{place}: the table is written")
            found += _measured(place, _Orders(catalog, QUICK_ROWS if quick else ROWS), rounds)
    return found


def _measured(place: str, orders: _Orders, rounds: int) -> list[Measure]:
    orders.fill()
    draw = random.Random(5)
    scattered = draw.sample(range(orders.rows), CHANGED)
    recent = [orders.rows - 1 - back for back in draw.sample(range(3 * CHANGED), CHANGED)]
    base, table = orders.head, orders.table
    figures: list[Measure] = []
    for label, names in (("26_columns", NAMES), ("2_columns", NAMES[:2])):
        whole = _cpu(lambda names=names: scan(table, base, names), rounds)  # type: ignore[misc]
        for kind, ids in (("recent", recent), ("scattered", scattered)):
            keyed = _cpu(
                lambda names=names, ids=ids: scan(  # type: ignore[misc]
                    table, base, names, keys=_keys(ids), located=True
                ),
                rounds,
            )
            name = f"{place}_scan_{kind}_keys_{label}"
            figures.append(measure(name, keyed, "ms CPU", peer="all rows", peer_values=whole))
    for salt, (kind, ids) in enumerate((("recent", recent), ("scattered", scattered)), 1):
        start = orders.head
        orders.delta(ids, salt)
        end, table = orders.head, orders.table
        for label, gone in (("26_columns", NAMES), ("keys_of_removed", NAMES[:1])):
            delta = _cpu(
                lambda start=start, end=end, gone=gone, table=table: changes(  # type: ignore[misc]
                    table, start, end, added=NAMES, removed=gone
                ),
                rounds,
            )
            figures.append(measure(f"{place}_changes_{kind}_{label}", delta, "ms CPU"))
    return figures


def _cpu(read: Callable[[], object], rounds: int) -> list[float]:
    read()
    found: list[float] = []
    for _ in range(rounds):
        before = time.process_time()
        read()
        found.append(1_000 * (time.process_time() - before))
    return found


def _keys(ids: list[int]) -> Keys:
    return Keys(pl.DataFrame({"order_id": ids}), {"order_id": pl.col("order_id")})


def _rows(ids: list[int], salt: int, of: int) -> pl.DataFrame:
    def drawn(number: int, below: int) -> pl.Expr:
        return pl.col("order_id").hash(number + 100 * salt) % below

    utc = pl.Datetime("us", "UTC")
    created = pl.lit(datetime(2024, 1, 1, tzinfo=UTC)) + pl.duration(
        seconds=pl.col("order_id") * (SECONDS // of)
    )
    moments = [
        (pl.col("created_at") + pl.duration(seconds=drawn(40 + i, 100_000))).cast(utc)
        for i in range(2)
    ]
    rows = pl.DataFrame({"order_id": ids}).with_columns(created_at=created.cast(utc))
    return rows.with_columns(
        pl.format("{}-{}", drawn(1, 200_000), drawn(2, 10**9)).alias("customer_id"),
        pl.format("user{}@example.com", drawn(1, 200_000)).alias("email"),
        *(drawn(10 + i, 10**5).cast(pl.Decimal(18, 2)).alias(f"amount_{i}") for i in range(6)),
        *(
            pl.format("value-{}", drawn(20 + i, 5 if i < 4 else 10**6)).alias(f"text_{i}")
            for i in range(8)
        ),
        *(drawn(30 + i, 1_000).cast(pl.Int64).alias(f"count_{i}") for i in range(4)),
        *(moment.alias(f"moment_{i}") for i, moment in enumerate(moments)),
        (drawn(50, 2) == 0).alias("flag"),
        pl.format('["a{}","b{}"]', drawn(51, 50), drawn(52, 50)).alias("tags"),
    ).select(NAMES)


@contextmanager
def _local() -> Iterator[Catalog]:
    with tempfile.TemporaryDirectory(prefix="bergline-bench-") as directory:
        yield PointerCatalog(Path(directory).as_uri())


@contextmanager
def _storage() -> Iterator[Catalog]:
    with tempfile.TemporaryDirectory(prefix="bergline-bench-") as directory:
        storage = StorageProcess(Path(directory))
        storage.start()
        try:
            yield open_catalog(storage.settings)
        finally:
            storage.close()


if __name__ == "__main__":
    for each in run(5):
        print(each)
