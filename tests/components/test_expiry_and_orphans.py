"""Expiry and orphan sweep on a real catalog and object store."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace

import obstore
import polars as pl
import pytest
from pyiceberg.table import Table
from pyiceberg.table.refs import SnapshotRefType

from shared.contracts.environment import Environment
from shared.contracts.identity import uuid7
from shared.lake.bootstrap import create_tables
from shared.lake.catalog import load, open_catalog
from shared.lake.commit import Delta, Head, commit
from shared.lake.handle import TableHandle
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.deletion import deletion_of
from shared.lake.maintenance.expiry import ExpiryReport, expire
from shared.lake.maintenance.job_result import JobResult
from shared.lake.maintenance.listing import PAGE, StoredObject, listing_of
from shared.lake.maintenance.maintained import Maintained
from shared.lake.maintenance.object_store import bucket
from shared.lake.maintenance.orphans import OrphanReport, remove_orphans
from shared.lake.maintenance.policy import MaintenancePolicy
from shared.lake.provenance import SourceCut
from shared.lake.query import Pin, query
from shared.lake.reader import LakeReader
from shared.lake.reading.live_files import LiveFiles, live_files
from shared.lake.reading.scan import scan
from shared.lake.row_changes import delta
from shared.runtime.settings import Settings
from tests.support.derived_lake import TARGET_BYTES, derived_table, origin, rows_of
from tests.support.lake import reference
from tests.support.storage import StorageProcess, module_storage

__all__ = ["module_storage"]

SPEC = derived_table()
DAY = 86_400_000
Rows = list[tuple[int, int]]


@pytest.fixture
def handle(module_storage: StorageProcess) -> TableHandle:
    """A table of an environment of its own, whose rows were replaced three times."""
    environment = Environment(f"t{uuid7()[-8:]}")
    create_tables(open_catalog(module_storage.settings), environment, [SPEC])
    found = TableHandle(open_catalog(module_storage.settings), environment, SPEC.name)
    for number in range(4):
        replace_rows(found, dict.fromkeys(range(6), number), number)
    return found


def replace_rows(handle: TableHandle, rows: Mapping[int, int], number: int) -> None:
    head = handle.reload().head()
    planned = delta(
        handle.table,
        SPEC,
        LiveFiles({}, {}) if head is None else live_files(handle.table, head),
        {},
        rows_of(rows),
        planned=head,
        carried=origin(number),
        target_bytes=TARGET_BYTES,
        replaces=head is not None,
    )

    def decide(head: Head, _: bool) -> Delta:
        return planned

    commit(handle, decide, commit_id=uuid7(), writer="test")


def now_ms() -> int:
    return int(time.time() * 1000)


def expired(handle: TableHandle) -> ExpiryReport:
    return expire(
        handle,
        SPEC,
        MaintenancePolicy(retention_days=7, retain_last=1),
        writer="test",
        now_ms=now_ms() + 8 * DAY,
        files=deletion_of(handle.table.io),
    )


def swept(handle: TableHandle, older_than_ms: int) -> OrphanReport:
    return remove_orphans(
        handle, SPEC, older_than_ms=older_than_ms, now_ms=now_ms(), allow_young=True
    )


def objects(handle: TableHandle) -> dict[str, StoredObject]:
    """What the store holds below the table, by path; without markers of directories."""
    location = handle.state().location
    pages = listing_of(handle.table.io, location).pages(location)
    return {each.path: each for page in pages for each in page if each.size}


def table_of(handle: TableHandle) -> Table:
    return load(handle.catalog, handle.environment, SPEC.name)


def by_duckdb(table: Table, snapshot_id: int) -> Rows:
    class Reader(LakeReader):
        def table(self, name: str) -> Table:
            return table

    pins = {SPEC.name: Pin(snapshot_id=snapshot_id)}
    with query(Reader(Settings()), f"select id, version from {SPEC.name}", pins=pins) as found:
        return sorted((int(key), int(version)) for key, version in found.rows())


def by_our_scan(handle: TableHandle, snapshot_id: int) -> Rows:
    snapshot = handle.reload().by_id[snapshot_id]
    return sorted(scan(handle.table, snapshot, ["id", "version"]).rows())


def by_polars(table: Table, snapshot_id: int) -> Rows:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")  # it warns that it has no other one
        found = pl.scan_iceberg(
            table, snapshot_id=snapshot_id, storage_options=storage_options(table)
        )
        return sorted(found.select("id", "version").collect().rows())


def storage_options(table: Table) -> dict[str, str]:
    """The store as polars wants to be told of it."""
    known = table.io.properties
    return {
        "aws_endpoint_url": known["s3.endpoint"],
        "aws_access_key_id": known["s3.access-key-id"],
        "aws_secret_access_key": known["s3.secret-access-key"],
        "aws_region": known["s3.region"],
        "aws_allow_http": "true",
    }


def require_rows(handle: TableHandle, snapshot_id: int, rows: Rows) -> None:
    """Every engine that reads in place finds them in this snapshot."""
    assert by_duckdb(table_of(handle), snapshot_id) == rows
    assert by_polars(table_of(handle), snapshot_id) == rows
    assert by_our_scan(handle, snapshot_id) == rows


@pytest.mark.parametrize("kind", [SnapshotRefType.TAG, SnapshotRefType.BRANCH])
def test_time_travel_to_what_others_name_works_after_expiry(
    handle: TableHandle, kind: SnapshotRefType
) -> None:
    first, second, *_ = handle.reload().snapshots
    name = reference("of-others", second.snapshot_id, kind)
    handle.catalog.commit_table(handle.table, (), (name,))
    before = objects(handle)
    report = expired(handle)
    gone = [each for path, each in before.items() if path not in objects(handle)]
    data = [each for each in gone if each.path.endswith(".parquet")]
    metadata = [each for each in gone if each.path.endswith(".avro")]
    assert report.snapshots_expired == 2
    assert first.snapshot_id in report.expired
    assert second.snapshot_id not in report.expired
    assert report.data_files_deleted == len(data) >= 6  # three months in each of two snapshots
    assert report.manifests_deleted == len(metadata) >= 2
    assert report.bytes_freed == sum(each.size for each in (*data, *metadata))
    tagged = [(key, 1) for key in range(6)]
    head = handle.reload().current_snapshot_id
    assert head is not None
    require_rows(handle, second.snapshot_id, tagged)
    require_rows(handle, head, [(key, 3) for key in range(6)])


READER = derived_table(name="analytics.order_summary")
"""Reads the table, as the registry says of the two names."""


def test_what_a_lagging_table_has_read_is_kept_for_a_day(
    module_storage: StorageProcess, handle: TableHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, *_ = handle.reload().snapshots
    state = handle.state()
    create_tables(handle.catalog, handle.environment, [READER])
    read = SourceCut(state.table_uuid, second.snapshot_id, second.sequence_number)
    lagging = TableHandle(handle.catalog, handle.environment, READER.name)

    def decide(_: Head, __: bool) -> Delta:
        return Delta(carried=replace(origin(1), sources={SPEC.name: read}))

    commit(lagging, decide, commit_id=uuid7(), writer="test")
    settings = module_storage.settings.model_copy(update={"env": handle.environment.name})
    policy = MaintenancePolicy(retention_days=0, retain_last=1)
    maintained = Maintained(LakeReader(settings), SPEC, policy, "maintainer")

    def later(hours: float) -> JobResult:
        moment = time.time() + hours * 3600
        clock = SimpleNamespace(time=lambda: moment)
        monkeypatch.setattr("shared.lake.maintenance.maintained.time", clock)
        return maintained.run("expire")

    assert later(0).status is Status.SKIPPED, "nothing that was the head within ten minutes goes"
    before = objects(handle)
    done = later(1)
    assert done.files_deleted >= 3, "those of the first version, which nobody has read"
    kept = handle.reload().by_id
    assert first.snapshot_id not in kept
    require_rows(handle, second.snapshot_id, [(key, 1) for key in range(6)])
    amid = objects(handle)
    assert len(before.keys() - amid.keys()) == done.files_deleted + done.metadata_deleted

    done = later(25)
    assert second.snapshot_id not in handle.reload().by_id
    assert done.files_deleted >= 3, "a day later it is the reader's turn to read everything anew"
    assert len(amid.keys() - objects(handle).keys()) == done.files_deleted + done.metadata_deleted
    head = handle.state().current_snapshot_id
    assert head is not None
    require_rows(handle, head, [(key, 3) for key in range(6)])


def test_orphans_of_several_pages_are_removed_and_no_markers_are_left(
    handle: TableHandle,
) -> None:
    location = handle.state().location
    store = bucket(handle.table.io, location)
    _, _, name, key = location.split("/", 3)
    lost = [f"{key}/data/day_month=2026-0{n % 9}/lost-{n}.parquet" for n in range(PAGE + 5)]
    for path in lost:
        obstore.put(store, path, b"lost")
    named = objects(handle).keys() - {f"s3://{name}/{path}" for path in lost}
    young = swept(handle, now_ms() - DAY)
    assert (young.removed, young.too_young >= len(lost)) == (0, True)
    report = swept(handle, now_ms() + DAY)
    assert report.removed >= len(lost)
    assert report.errors == 0
    assert report.bytes >= 4 * len(lost)
    left = objects(handle)
    assert not [path for path in left if "/lost-" in path]
    assert left.keys() <= named
    head = handle.reload().current_snapshot_id
    assert head is not None
    assert by_our_scan(handle, head) == [(id_, 3) for id_ in range(6)]
    assert swept(handle, now_ms() + DAY).removed == 0


def test_a_store_that_is_away_is_an_error_of_the_system(
    module_storage: StorageProcess, handle: TableHandle
) -> None:
    location = handle.state().location
    io = handle.table.io
    io.properties["s3.endpoint"] = "http://127.0.0.1:1"
    with pytest.raises(OSError, match="S3"):
        list(listing_of(io, location).pages(location))
    done = deletion_of(io).delete([f"{location}/data/any.parquet"])
    assert (done.paths, done.errors) == (frozenset(), 1)
    assert "S3" in done.error
