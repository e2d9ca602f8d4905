"""Reading tables from the embedded storage, through polars' own reader."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import polars as pl
import pytest
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from shared.contracts.environment import Environment
from shared.contracts.identity import uuid7
from shared.lake.bootstrap import create_tables
from shared.lake.catalog import load, open_catalog
from shared.lake.data_files import write_rows
from shared.lake.position_deletes import write_position_deletes
from shared.lake.reading import small_files
from shared.lake.reading.bounded_cache import BoundedCache
from shared.lake.reading.changes import changes
from shared.lake.reading.live_files import live_files
from shared.lake.reading.scan import Keys, scan
from shared.lake.schema import arrow_schema
from shared.lake.table_state import SnapshotEntry
from shared.tables.spec import Column, Grain, Partitioning, TableSpec, Type
from tests.support import foreign_snapshots
from tests.support.storage import StorageProcess, module_storage

__all__ = ["module_storage"]

THINGS = TableSpec(
    "core.things",
    (),
    (
        Column("id", Type.LONG, 1),
        Column("kind", Type.STRING, 2),
        Column("amount", Type.DECIMAL_18_2, 3),
        Column("at", Type.TIMESTAMP, 4),
    ),
    Partitioning("kind", Grain.IDENTITY),
    "Things of kinds whose names are hard on paths.",
)
KINDS = ["plain", "a/b c", "50%25", "é=1&x?", None]
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["fetched whole", "fetched by ranges"], autouse=True)
def fetched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file comes from the store, in one way or the other."""
    monkeypatch.setattr(small_files, "_KEPT", BoundedCache(0, len))
    if request.param == "fetched by ranges":
        monkeypatch.setattr(small_files, "SMALL_BYTES", -1)


@pytest.fixture
def things(module_storage: StorageProcess) -> Table:
    """A table of two snapshots: a row of each kind; another one instead of the first."""
    catalog = open_catalog(module_storage.settings)
    environment = Environment(f"t{uuid7().replace('-', '')[:24]}")
    create_tables(catalog, environment, [THINGS])
    table = load(catalog, environment, THINGS.name)
    rows = pl.DataFrame(
        {"id": range(5), "kind": KINDS, "at": [AT] * 5},
        schema={"id": pl.Int64, "kind": pl.String, "at": pl.Datetime("us", "UTC")},
    ).with_columns(amount=pl.lit("1.50").cast(pl.Decimal(18, 2)))
    _commit(table, rows)
    table = load(catalog, environment, THINGS.name)
    head = _head(table)
    first = scan(table, head, ["id"], located=True, where=pl.col("id") == 0)
    data = {path: live.file for path, live in live_files(table, head).data.items()}
    lost = {path: [position] for _, path, position in first.rows()}
    deletes = write_position_deletes(table, lost, data)
    added = _written(table, rows.with_columns(pl.col("id") + 10))
    foreign_snapshots.snapshot(table, added=[(each, None) for each in [*added, *deletes]])
    return load(catalog, environment, THINGS.name)


def test_rows_are_read_whatever_their_partition_is_called(things: Table) -> None:
    found = scan(things, _head(things), ["id", "kind"])
    expected = [(number, kind) for number, kind in enumerate(KINDS) if number]
    expected += [(10 + number, kind) for number, kind in enumerate(KINDS)]
    assert Counter(found.rows()) == Counter(expected)
    keys = Keys(pl.DataFrame({"kind": ["50%25", None]}), {"kind": pl.col("kind")})
    ids = scan(things, _head(things), ["id"], keys=keys, located=True)
    assert sorted(ids["id"]) == [2, 4, 12, 14]


def test_changes_are_read(things: Table) -> None:
    first, second = (SnapshotEntry.of(each) for each in things.metadata.snapshots)
    found = changes(things, first, second, added=["id", "kind"], removed=["id"])
    assert Counter(found.added.rows()) == Counter(
        (10 + number, kind) for number, kind in enumerate(KINDS)
    )
    assert found.removed.rows() == [(0,)]


def test_a_column_that_older_files_lack_is_asked_for_in_the_store(things: Table) -> None:
    with things.update_schema() as update:
        update.rename_column("amount", "sum")
    found = scan(things.refresh(), _head(things), ["sum"])
    assert {str(each) for each in found["sum"]} == {"1.50"}


def test_a_file_that_is_gone_is_an_error_that_names_it(things: Table) -> None:
    path = next(iter(live_files(things, _head(things)).data))
    things.io.delete(path)
    with pytest.raises(FileNotFoundError, match=path.rpartition("/")[2]):
        scan(things, _head(things), ["id"])


def test_no_error_shows_credentials(things: Table) -> None:
    properties = {
        **things.io.properties,
        "s3.access-key-id": "someone-elses-key",
        "s3.secret-access-key": "someone-elses-secret",
    }
    live_files(things, _head(things))
    io = type(things.io)(properties)
    other = Table(things.name(), things.metadata, things.metadata_location, io, things.catalog)
    with pytest.raises(OSError, match=r"403|ACCESS_DENIED") as error:
        scan(other, SnapshotEntry.of(things.metadata.snapshots[0]), ["id"])
    assert "someone-elses" not in str(error.value)
    assert error.value.__cause__ is None


def _head(table: Table) -> SnapshotEntry:
    head = table.current_snapshot()
    assert head is not None
    return SnapshotEntry.of(head)


def _written(table: Table, rows: pl.DataFrame) -> list[DataFile]:
    names = arrow_schema(THINGS).names
    return write_rows(table, THINGS, rows.select(names).to_arrow(), target_bytes=2**20)


def _commit(table: Table, rows: pl.DataFrame) -> None:
    foreign_snapshots.snapshot(table, added=[(each, None) for each in _written(table, rows)])
