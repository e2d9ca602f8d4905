"""Rows stream into new files: in the present schema, in order, within bounded memory."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.types import DecimalType, LongType, StringType

from shared.contracts.identity import uuid7
from shared.lake.commit import Delta, Head, commit
from shared.lake.data_files import write_rows
from shared.lake.maintenance import compaction, sorting
from shared.lake.maintenance.compaction import CompactionReport, Status, compact
from shared.lake.maintenance.policy import MaintenancePolicy
from shared.lake.maintenance.rewriting import rewrite
from shared.lake.schema import arrow_schema
from tests.support.derived_lake import DerivedLake, origin
from tests.support.lake import EVENTS, Batch, Lake

LATER_MS = 4_000_000_000_000


def compacted(
    lake: Lake, policy: MaintenancePolicy | None = None, *, force: bool = False
) -> CompactionReport:
    return compact(
        lake.handle(),
        lake.spec,
        policy or MaintenancePolicy(),
        writer="test",
        now_ms=LATER_MS,
        force=force,
    )


def contents(lake: Lake) -> list[dict[str, object]]:
    """Every row as PyIceberg reads it, in an order of its own."""
    rows: list[dict[str, object]] = lake.table.scan().to_arrow().to_pylist()
    return sorted(rows, key=repr)


def add(lake: DerivedLake, ids: list[int], day: date, size: int = 10_000) -> None:
    """Rows of one month in files of ``size`` rows, each sorted by itself; one commit."""
    handle = lake.handle()
    schema = arrow_schema(lake.spec)
    files = []
    for at in range(0, len(ids), size):
        own = ids[at : at + size]
        rows = pa.table(
            {
                "id": own,
                "version": own,
                "amount": [Decimal(key % 1000) / 4 for key in own],
                "day": [day] * len(own),
            },
            schema=schema,
        )
        files += write_rows(handle.table, lake.spec, rows, target_bytes=1 << 27)

    def decide(head: Head, _: bool) -> Delta:
        return Delta(added=files, planned=head.snapshot, carried=origin(1))

    commit(handle, decide, commit_id=uuid7(), writer="test")


@pytest.fixture
def landed(tmp_path: Path) -> Lake:
    """Six commits of a landing table without partitions."""
    lake = Lake(tmp_path)
    handle = lake.handle()
    for at in range(0, 60, 10):
        commit(handle, Batch(handle, at, at + 10).decide, commit_id=uuid7(), writer="test")
    return lake


def test_a_landing_table_keeps_the_order_and_the_positions(landed: Lake) -> None:
    before = landed.positions
    assert compacted(landed).status is Status.SUCCESS
    rows = landed.table.scan().to_arrow()
    assert rows["_offset"].to_pylist() == list(range(60))
    assert landed.positions == before
    handle = landed.handle()
    commit(handle, Batch(handle, 60, 70).decide, commit_id=uuid7(), writer="test")
    assert len(landed.offsets()) == 70


def test_files_of_days_are_rewritten_each_in_its_own_day(tmp_path: Path) -> None:
    lake = Lake(tmp_path, EVENTS)
    schema = arrow_schema(EVENTS)
    for number in range(10):
        at = datetime(2026, 1, 1 + number % 2, number, tzinfo=UTC)
        rows: dict[str, list[Any]] = {field.name: [None] for field in schema}
        rows |= {"_topic": ["t"], "_partition": [0], "_offset": [number], "_loaded_at": [at]}
        rows |= {"_replayed": [False]}
        lake.table.append(pa.table(rows, schema=schema))
    before = contents(lake)
    report = compacted(lake)
    assert (report.groups, report.files_before, report.files_after) == (2, 10, 2)
    assert contents(lake) == before
    tasks = list(lake.table.scan().plan_files())
    assert {task.file.partition[0] for task in tasks} == {20454, 20455}


def test_old_files_get_the_present_schema(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path)
    for number in range(5):
        lake.build({3 * number: number})
    with lake.table.update_schema() as update:
        update.add_column("note", StringType())
        update.rename_column("version", "edition")
        update.update_column("amount", DecimalType(20, 2))
    lake.table.append(
        pa.table(
            {
                "id": pa.array([15], pa.int64()),
                "edition": pa.array([5], pa.int64()),
                "amount": pa.array([Decimal("123456789012345678.25")], pa.decimal128(20, 2)),
                "day": [date(2026, 1, 15)],
                "note": ["new"],
            },
            schema=pa.schema(
                [
                    pa.field("id", pa.int64(), nullable=False),
                    pa.field("edition", pa.int64(), nullable=False),
                    pa.field("amount", pa.decimal128(20, 2)),
                    pa.field("day", pa.date32()),
                    pa.field("note", pa.string()),
                ]
            ),
        )
    )
    before = contents(lake)
    assert compacted(lake).files_before == 6
    assert contents(lake) == before
    (path,) = lake.live().data
    written = pq.read_schema(path.removeprefix("file://"))
    assert written.names == ["id", "edition", "amount", "day", "note"]
    assert written.field("amount").type == pa.decimal128(20, 2)


def test_a_column_that_is_gone_is_not_written_again(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path)
    for number in range(5):
        lake.build({3 * number: number})
    with lake.table.update_schema() as update:
        update.delete_column("amount")
    with lake.table.update_schema() as update:
        update.add_column("amount", LongType())  # another one under the same name
    before = contents(lake)
    assert {row["amount"] for row in before} == {None}
    assert compacted(lake).status is Status.SUCCESS
    assert contents(lake) == before


def test_a_column_that_it_was_sorted_by_may_be_renamed_or_gone(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path)
    for number in reversed(range(5)):
        lake.build({3 * number: number})
    with lake.table.update_schema() as update:
        update.rename_column("id", "number")
    assert compacted(lake).status is Status.SUCCESS
    assert lake.table.scan().to_arrow()["number"].to_pylist() == [0, 3, 6, 9, 12]


def test_files_of_an_old_partition_spec_stay_in_it(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path)
    for number in range(5):
        lake.build({3 * number: number})
    old = {each.file.spec_id for each in lake.live().data.values()}
    with lake.table.update_spec() as update:
        update.add_identity("version")
    handle = lake.handle()
    before = contents(lake)
    lake.table.append(lake.table.scan(row_filter="id < 9").to_arrow())
    more = contents(lake)
    assert len(more) == len(before) + 3
    assert compacted(lake).files_before == 5
    assert contents(lake) == more
    specs = [each.file.spec_id for each in lake.live().data.values()]
    assert {spec for spec in specs if spec in old} == old
    assert len(specs) == 1 + 3
    assert handle.table.spec().spec_id not in old


def test_a_partition_larger_than_memory_is_sorted_within_it(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path)
    count = 200_000
    ids = [(key * 7919) % count for key in range(count)]
    add(lake, ids, date(2026, 1, 15))
    policy = MaintenancePolicy(memory_bytes=4 * 2**20, target_bytes=2**18)
    before = lake.table.scan().to_arrow().sort_by("id")
    assert before.nbytes > policy.memory_bytes
    report = compacted(lake, policy, force=True)
    assert report.status is Status.SUCCESS
    assert 0 < report.held_bytes <= policy.memory_bytes
    assert report.files_after > 1
    after = lake.table.scan().to_arrow()
    assert after.sort_by("id").equals(before)
    for each in lake.live().data.values():
        own = pq.read_table(each.file.file_path.removeprefix("file://"), columns=["id"])
        assert own["id"].to_pylist() == sorted(own["id"].to_pylist())
    lowers = sorted(
        (each.file.lower_bounds[1], each.file.upper_bounds[1]) for each in lake.live().data.values()
    )
    ranges = sorted(
        (int.from_bytes(low, "little"), int.from_bytes(high, "little")) for low, high in lowers
    )
    assert all(one[1] <= other[0] for one, other in pairwise(ranges))


def test_equal_keys_beyond_memory_are_no_trouble(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path)
    add(lake, [3] * 150_000, date(2026, 1, 15))
    policy = MaintenancePolicy(memory_bytes=4 * 2**20)
    report = compacted(lake, policy, force=True)
    assert report.rows == 150_000
    assert report.held_bytes <= policy.memory_bytes
    assert len(lake.table.scan().to_arrow()) == 150_000


def test_rows_deleted_meanwhile_are_found_in_what_was_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = DerivedLake(tmp_path)
    count = 100_000
    add(lake, [(key * 7919) % count for key in range(count)], date(2026, 1, 15))
    lost = set(range(5, count, 997))

    def overtaken(*arguments: object, **options: object) -> object:
        found = rewrite(*arguments, **options)  # type: ignore[arg-type]
        lake.build(remove=lost)
        return found

    monkeypatch.setattr(compaction, "rewrite", overtaken)
    merged: list[int] = []
    merge = sorting._merged

    def noted(runs: list[Path], *rest: object) -> object:
        merged.append(len(runs))
        return merge(runs, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(sorting, "_merged", noted)
    policy = MaintenancePolicy(memory_bytes=2 * 2**20, target_bytes=2**19)
    report = compacted(lake, policy, force=True)
    assert merged
    assert merged[0] > 2
    assert report.deletes_translated == len(lost)
    rest = lake.table.scan().to_arrow()["id"].to_pylist()
    assert sorted(rest) == [key for key in range(count) if key not in lost]


def test_a_file_has_several_row_groups_so_that_engines_can_split_it(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path)
    add(lake, list(range(250_000)), date(2026, 1, 15))
    compacted(lake)
    (path,) = lake.live().data
    assert pq.read_metadata(path.removeprefix("file://")).num_row_groups == 3
