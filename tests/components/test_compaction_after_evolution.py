"""A table whose columns and partitions have changed is compacted on the real catalog and store.

Its rows are the same for plain PyIceberg and for DuckDB, before and after.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table
from pyiceberg.transforms import BucketTransform
from pyiceberg.types import DecimalType, StringType

from shared.lake.maintenance.compaction import Status
from shared.lake.query import query
from shared.lake.reader import LakeReader
from shared.runtime.settings import Settings
from tests.chaos.plain_catalog import plain_catalog
from tests.components.maintained_table import COMMITS, ROWS, SPEC, compacted, new_table
from tests.support.derived_lake import MONTHS
from tests.support.storage import StorageProcess, module_storage

__all__ = ["module_storage"]

Digest = tuple[int, str]
NEW = 30
"""Rows in each commit after the change."""


def new_columns(table: Table) -> None:
    """One is added, one can hold more, and two have other names, of which it is sorted by one."""
    with table.update_schema() as update:
        update.add_column("note", StringType())
        update.update_column("amount", DecimalType(30, 2))
        update.rename_column("version", "edition")
        update.rename_column("id", "number")


def new_partitions(table: Table) -> None:
    with table.update_spec() as update:
        update.add_field("id", BucketTransform(2), "id_bucket")


def both(table: Table) -> None:
    new_partitions(table)
    new_columns(table.refresh())


def appended(table: Table, seed: int) -> None:
    """Somebody appends rows that fill every column as it is now."""
    chance = random.Random(seed)
    schema = schema_to_pyarrow(table.schema(), include_field_ids=False)
    values: Mapping[str, Callable[[], Any]] = {
        "day": lambda: MONTHS[chance.randrange(len(MONTHS))],
        "amount": lambda: (
            Decimal(chance.randrange(10 ** (schema.field("amount").type.precision))) / 100
        ),
        "note": lambda: chance.choice(["new", None, ""]),
    }
    columns = {
        field.name: [
            values.get(field.name, lambda: chance.randrange(1 << 60))() for _ in range(NEW)
        ]
        for field in schema
    }
    table.append(pa.table(columns, schema=schema))


def digest(rows: pa.Table) -> Digest:
    """How many rows, and a hash of all that knows no order, neither of rows nor of columns."""
    rows = rows.select(sorted(rows.column_names))
    with duckdb.connect() as sql:
        sql.register("rows", rows)
        count, found = sql.execute(
            "select count(*), sum(hash(rows))::varchar from rows"
        ).fetchone() or (0, "")
    return count, found


def by_pyiceberg(table: Table) -> Digest:
    return digest(table.scan().to_arrow())


def by_duckdb(table: Table) -> Digest:
    class Reader(LakeReader):
        def table(self, name: str) -> Table:
            return table

    with query(Reader(Settings()), f"select * from {SPEC.name}") as found:
        return digest(pa.Table.from_batches(found.batches))


@pytest.mark.parametrize("change", [new_columns, new_partitions, both])
def test_rows_stay_the_same(
    module_storage: StorageProcess, change: Callable[[Table], None]
) -> None:
    handle = new_table(module_storage.settings)

    def table() -> Table:
        name = handle.environment.table(SPEC.name)
        found: Table = plain_catalog(module_storage.settings).load_table(name)
        return found

    change(table())
    for seed in range(COMMITS):
        appended(table(), seed)
    before = by_pyiceberg(table()), by_duckdb(table())
    assert before[0][0] == COMMITS * (ROWS - 2 * len(MONTHS) + NEW)
    files = len(list(table().scan().plan_files()))
    schema, spec = table().schema(), table().spec()

    assert compacted(handle).status is Status.SUCCESS

    after = table()
    assert (by_pyiceberg(after), by_duckdb(after)) == before
    assert len(list(after.scan().plan_files())) < files / 2
    assert (after.schema(), after.spec()) == (schema, spec)
