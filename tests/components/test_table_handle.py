"""Commits to a real catalog and object store, beside PyIceberg as other engines use it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow.fs as pafs
import pytest
from pyiceberg.table import Table
from requests import Response

from shared.contracts.environment import Environment
from shared.contracts.identity import uuid7
from shared.lake.bootstrap import create_tables
from shared.lake.catalog import load, open_catalog
from shared.lake.commit import Append, Head, Outcome, Result, commit
from shared.lake.handle import TableHandle
from shared.lake.landing_files import write_data_file
from shared.lake.positions import Positions
from shared.lake.rest_catalog import BoundedRestCatalog
from shared.lake.table_state import TableState
from shared.runtime.errors import NotFound
from tests.support.lake import LOG, rows
from tests.support.storage import StorageProcess, module_storage

__all__ = ["module_storage"]

KEPT_METADATA_FILES = 10


class Asked:
    """What a catalog connection asks about tables: method → times."""

    def __init__(self, catalog: BoundedRestCatalog) -> None:
        self.times: Counter[str] = Counter()
        catalog._session.hooks["response"].append(self._count)

    def _count(self, response: Response, *_: Any, **__: Any) -> None:
        if "/tables/" in response.url:
            self.times[str(response.request.method)] += 1


@pytest.fixture
def environment(module_storage: StorageProcess) -> Environment:
    """An environment of its own, with one table."""
    found = Environment(f"t{uuid7()[-8:]}")
    create_tables(open_catalog(module_storage.settings), found, [LOG])
    return found


@pytest.fixture
def handle(module_storage: StorageProcess, environment: Environment) -> TableHandle:
    return TableHandle(open_catalog(module_storage.settings), environment, LOG.name)


@pytest.fixture
def plain(module_storage: StorageProcess, environment: Environment) -> Table:
    """The table in another client's hands."""
    return load(open_catalog(module_storage.settings), environment, LOG.name)


def land(handle: TableHandle, *partitions: int) -> Outcome:
    """A snapshot with a file of three rows for each of these partitions."""

    def decide(head: Head, _: bool) -> Append:
        files = [write_data_file(handle.table, rows(LOG, p, range(3)), None) for p in partitions]
        return Append(files, head.recorded.positions or Positions())

    return commit(handle, decide, commit_id=uuid7(), writer="test")


def partitions(table: Table) -> Sequence[int]:
    return sorted(table.refresh().scan().to_arrow()["_partition"].to_pylist())


def test_a_lone_writer_asks_the_catalog_once_a_commit(handle: TableHandle) -> None:
    land(handle, 0)
    asked = Asked(handle.catalog)  # type: ignore[arg-type]  # the kind that open_catalog gives
    for partition in range(1, 4):
        assert land(handle, partition).result is Result.COMMITTED
    assert asked.times == {"POST": 3}


def test_others_read_what_was_written_and_append_to_it(handle: TableHandle, plain: Table) -> None:
    land(handle, 0)
    land(handle, 1, 2)
    assert partitions(plain) == [0] * 3 + [1] * 3 + [2] * 3
    plain.append(rows(LOG, 9, range(2)))
    outcome = land(handle, 3)
    assert (outcome.result, outcome.conflicts) == (Result.COMMITTED, 1)
    assert partitions(plain) == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3 + [9] * 2
    assert outcome.snapshot is not None
    assert outcome.snapshot.summary["total-records"] == "14"


def test_the_remembered_state_is_the_catalogs(handle: TableHandle, plain: Table) -> None:
    for partition in range(3):
        land(handle, partition)
    remembered = handle.state()
    assert remembered == handle.reload()
    found = plain.refresh()
    assert remembered == TableState.of(found.metadata, found.metadata_location)


def test_two_writers_lose_nothing(
    module_storage: StorageProcess, environment: Environment, handle: TableHandle, plain: Table
) -> None:
    other = TableHandle(open_catalog(module_storage.settings), environment, LOG.name)
    conflicts = 0
    for number in range(0, 10, 2):
        conflicts += land(handle, number).conflicts + land(other, number + 1).conflicts
    assert conflicts == 8  # every commit but each writer's first meets the other's
    assert partitions(plain) == [number for number in range(10) for _ in range(3)]


def test_old_metadata_files_are_deleted(
    module_storage: StorageProcess, handle: TableHandle
) -> None:
    for _ in range(KEPT_METADATA_FILES + 5):
        land(handle)
    settings = module_storage.settings
    assert settings.s3_secret_key is not None
    store = pafs.S3FileSystem(
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
        endpoint_override=settings.s3_endpoint,
        region=settings.s3_region,
    )
    where = f"{handle.state().location}/metadata".removeprefix("s3://")
    present = {found.path for found in store.get_file_info(pafs.FileSelector(where))}
    named = [each.metadata_file for each in handle.state().metadata_log]
    named.append(handle.state().metadata_location)
    assert {path.removeprefix("s3://") for path in named} <= present
    kept = [path for path in present if path.endswith(".metadata.json")]
    assert len(kept) <= KEPT_METADATA_FILES + 2  # one is the table's first, which no log names


def test_a_table_that_is_not_there(module_storage: StorageProcess, handle: TableHandle) -> None:
    absent = TableHandle(handle.catalog, Environment("elsewhere"), LOG.name)
    with pytest.raises(NotFound, match=r"raw\.log does not exist"):
        absent.state()


def test_files_larger_than_one_part_are_written_whole(handle: TableHandle) -> None:
    content = bytes(range(256)) * 50_000  # 12.8 MB, where a part is 10
    path = handle.table.location_provider().new_data_location("large.parquet")
    with handle.table.io.new_output(path).create() as stream:
        stream.write(content)
    with handle.table.io.new_input(path).open() as stream:
        assert stream.read() == content
    handle.table.io.delete(path)


def test_a_write_that_the_store_refuses_is_an_error(handle: TableHandle) -> None:
    output = handle.table.io.new_output("s3://no-such-bucket/file.parquet")
    with pytest.raises(OSError, match="no-such-bucket"), output.create(overwrite=True) as stream:
        stream.write(b"content")
