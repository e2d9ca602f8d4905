"""Large row groups are copied when compaction would make the same of them, and only then."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import DataFile
from pyiceberg.types import LongType, PrimitiveType, StringType

from shared.contracts.identity import uuid7
from shared.lake.commit import Delta, Head, commit
from shared.lake.head_checks import partition_of
from shared.lake.maintenance import assembling, copied_groups, rewriting
from shared.lake.maintenance.compaction import CompactionReport, compact
from shared.lake.maintenance.copied_groups import old_groups
from shared.lake.maintenance.file_rows import FileRows
from shared.lake.maintenance.parquet_footer import footer_of, pattern
from shared.lake.maintenance.policy import MaintenancePolicy
from shared.lake.maintenance.row_groups_apart import _range
from shared.lake.parquet_file import described
from shared.lake.schema import arrow_schema
from shared.runtime.errors import CheckFailed
from shared.tables.raw.landing import landing_table
from shared.tables.spec import Type
from tests.support.derived_lake import DerivedLake, derived_table, origin
from tests.support.lake import Lake

LATER_MS = 4_000_000_000_000
SPEC = landing_table(
    "raw.events", "shop.events", "A landing table.", ((Type.LONG, "id"), (Type.STRING, "name"))
)
ENOUGH = 100


@pytest.fixture(autouse=True)
def copies(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows of each row group that is copied; a hundred are enough."""
    monkeypatch.setattr(copied_groups, "ENOUGH_ROWS", ENOUGH)
    found: list[int] = []

    class Watched(assembling.Copy):
        def __init__(self, group: Any, content: Any) -> None:
            found.append(group.rows)
            super().__init__(group, content)

    monkeypatch.setattr(rewriting, "Copy", Watched)
    return found


def events(ids: Sequence[int]) -> pa.Table:
    """A row of one day for each id."""
    schema = arrow_schema(SPEC)
    columns: dict[str, list[Any]] = {field.name: [None] * len(ids) for field in schema}
    columns |= {
        "_topic": ["shop.events"] * len(ids),
        "_partition": [0] * len(ids),
        "_offset": list(ids),
        "_loaded_at": [datetime(2026, 1, 1, 12, tzinfo=UTC)] * len(ids),
        "_replayed": [False] * len(ids),
        "id": list(ids),
        "name": [None if number % 5 == 0 else f"name {number % 9}" for number in ids],
    }
    return pa.table(columns, schema=schema)


def put(
    lake: Lake, groups: Sequence[pa.Table], edit: Callable[[bytes], bytes] = bytes, **options: Any
) -> str:
    """A file of these row groups, as a derived table's builder commits it; its path."""
    table = lake.handle().load()
    made = io.BytesIO()
    chosen = {"compression": "zstd", "store_schema": False, "store_decimal_as_integer": True}
    with pq.ParquetWriter(made, groups[0].schema, **(chosen | options)) as writer:
        for rows in groups:
            writer.write_table(rows)
    content = edit(made.getvalue())
    location = table.location_provider().new_data_location(f"{uuid7()}.parquet")
    with table.io.new_output(location).create() as stream:
        stream.write(content)
    place = partition_like(lake, groups[0])
    file = described(table, place, location, len(content), writer.writer.metadata)

    def decide(head: Head, _: bool) -> Delta:
        return Delta(added=[file], planned=head.snapshot, carried=origin(1))

    commit(lake.handle(), decide, commit_id=uuid7(), writer="test")
    return location


def partition_like(lake: Lake, rows: pa.Table) -> tuple[int, Any]:
    """Where PyIceberg puts such rows."""
    scratch = Lake(Path(lake.table.location().removeprefix("file://")) / f"{uuid7()}", lake.spec)
    scratch.table.append(rows)
    (task,) = scratch.table.scan().plan_files()
    return partition_of(task.file)


def contents(lake: Lake) -> list[dict[str, Any]]:
    return sorted(lake.table.scan().to_arrow().to_pylist(), key=repr)


def compacted(lake: Lake, policy: MaintenancePolicy | None = None) -> CompactionReport:
    before = contents(lake)
    report = compact(
        lake.handle(),
        lake.spec,
        policy or MaintenancePolicy(),
        writer="test",
        now_ms=LATER_MS,
        force=True,
    )
    assert contents(lake) == before
    return report


def files(lake: Lake) -> list[DataFile]:
    return [task.file for task in lake.table.scan().plan_files()]


def group_rows(file: DataFile) -> list[int]:
    told = pq.read_metadata(file.file_path.removeprefix("file://"))
    return [told.row_group(number).num_rows for number in range(told.num_row_groups)]


def told(file: DataFile) -> Mapping[str, Any]:
    """What a manifest tells of rows."""
    return {
        "rows": file.record_count,
        "values": file.value_counts,
        "nulls": file.null_value_counts,
        "lower": file.lower_bounds,
        "upper": file.upper_bounds,
        "splits": len(file.split_offsets or ()),
    }


@pytest.fixture
def landed(tmp_path: Path) -> Lake:
    return Lake(tmp_path, SPEC)


def test_large_row_groups_are_copied_and_small_ones_beside_them_joined(
    landed: Lake, copies: list[int]
) -> None:
    put(landed, [events(range(150)), events(range(150, 170)), events(range(170, 290))])
    put(landed, [events(range(290, 300))])
    put(landed, [events(range(300, 310))])
    put(landed, [events(range(310, 430))])
    report = compacted(landed)
    assert copies == [150, 120, 120]
    assert (report.files_before, report.files_after, report.rows) == (4, 1, 430)
    (file,) = files(landed)
    assert group_rows(file) == [150, 20, 120, 20, 120]
    assert landed.table.scan().to_arrow()["_offset"].to_pylist() == list(range(430))


def test_the_manifest_tells_what_it_would_of_rows_that_were_written_anew(
    tmp_path: Path, copies: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    for number, least in enumerate((ENOUGH, 10**6)):
        monkeypatch.setattr(copied_groups, "ENOUGH_ROWS", least)
        monkeypatch.setattr("shared.lake.maintenance.row_groups.ROW_GROUP_ROWS", 200)
        lake = Lake(tmp_path / str(number), SPEC)
        for at in range(0, 1000, 200):
            put(lake, [events(range(at, at + 200))])
        compacted(lake)
        (file,) = files(lake)
        seen.append(told(file))
        offsets = file.split_offsets
        footer = pq.read_metadata(file.file_path.removeprefix("file://"))
        first = [footer.row_group(at).column(0) for at in range(footer.num_row_groups)]
        assert offsets == [
            column.dictionary_page_offset or column.data_page_offset for column in first
        ]
    assert copies == [200] * 5
    assert seen[0] == seen[1]


def test_a_file_is_opened_once_for_all_small_row_groups_between_two_copies(
    landed: Lake, copies: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = [events(range(at, at + 5)) for at in range(150, 200, 5)]
    put(landed, [events(range(150)), *small, events(range(200, 350))])
    put(landed, [events(range(350, 360))])
    asked: list[list[int] | None] = []
    batches = FileRows.batches

    def watched(
        self: FileRows, file: DataFile, content: bytes | None, groups: Any = None
    ) -> Iterator[pa.Table]:
        asked.append(groups)
        return batches(self, file, content, groups)

    monkeypatch.setattr(FileRows, "batches", watched)
    compacted(landed)
    assert copies == [150, 150]
    assert asked == [list(range(1, 11)), None]
    assert landed.table.scan().to_arrow()["_offset"].to_pylist() == list(range(360))


def test_a_row_group_with_deleted_rows_is_written_anew(tmp_path: Path, copies: list[int]) -> None:
    lake = DerivedLake(tmp_path)
    month = dict.fromkeys(range(0, 900, 3), 0)
    ids = list(month)
    put(lake, [derived(ids[:100]), derived(ids[100:200]), derived(ids[200:])])
    lake.build({}, remove=[ids[150]])
    lake.build({3000: 1})
    report = compacted(lake)
    assert copies == [100, 100]
    assert (report.files_after, report.rows, report.deletes_dropped) == (1, 300, 1)
    assert len(lake.live().deletes) == 0


def derived(ids: Sequence[int]) -> pa.Table:
    """Rows of a derived table, all of one month."""
    return pa.table(
        {
            "id": list(ids),
            "version": [0] * len(ids),
            "amount": [Decimal(key) / 4 for key in ids],
            "day": [date(2026, 1, 15)] * len(ids),
        },
        schema=arrow_schema(derived_table()),
    )


def test_sorted_row_groups_that_lie_apart_are_copied_in_the_order_of_their_rows(
    tmp_path: Path, copies: list[int]
) -> None:
    lake = DerivedLake(tmp_path)
    put(lake, [derived(range(500, 700))])
    put(lake, [derived(range(150))])
    put(lake, [derived(range(150, 160))])
    put(lake, [derived(range(700, 710))])
    put(lake, [derived(range(800, 1000))])
    compacted(lake)
    assert copies == [150, 200, 200]
    (file,) = files(lake)
    rows = pq.read_table(file.file_path.removeprefix("file://"))
    ids = rows["id"].to_pylist()
    assert ids == sorted(ids)


def test_row_groups_whose_ranges_overlap_are_merged(tmp_path: Path, copies: list[int]) -> None:
    lake = DerivedLake(tmp_path)
    put(lake, [derived(range(0, 400, 2))])
    put(lake, [derived(range(1, 401, 2))])
    put(lake, [derived(range(1000, 1200))])
    compacted(lake)
    assert copies == [200]
    (file,) = files(lake)
    ids = pq.read_table(file.file_path.removeprefix("file://"))["id"].to_pylist()
    assert ids == sorted(ids)


def test_a_row_group_that_is_not_sorted_in_itself_is_merged(
    tmp_path: Path, copies: list[int]
) -> None:
    lake = DerivedLake(tmp_path)
    put(lake, [derived(list(range(200, 0, -1)))])
    put(lake, [derived(range(1000, 1200))])
    compacted(lake)
    assert copies == [200]
    (file,) = files(lake)
    ids = pq.read_table(file.file_path.removeprefix("file://"))["id"].to_pylist()
    assert ids == sorted(ids)


@pytest.mark.parametrize("bound", [b"", b"\xc3"], ids=["empty", "cut within a character"])
@pytest.mark.parametrize("kind", [LongType(), StringType()], ids=str)
def test_bounds_that_are_no_values_tell_nothing(kind: PrimitiveType, bound: bytes) -> None:
    lower, upper = _range(kind, bound, bound, 0)
    known = isinstance(kind, StringType)
    assert (lower, upper) == (((0, bound), (0, bound)) if known else ((-1, None), (1, None)))


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "snappy"},
        {"write_statistics": False},
        {"store_decimal_as_integer": False, "use_deprecated_int96_timestamps": True},
    ],
    ids=["codec", "statistics", "types"],
)
def test_what_a_rewrite_makes_better_is_written_anew(
    landed: Lake, copies: list[int], options: dict[str, Any]
) -> None:
    put(landed, [events(range(150))], **options)
    put(landed, [events(range(150, 300))])
    compacted(landed)
    assert copies == [150]


def test_files_of_an_earlier_schema_are_written_anew(landed: Lake, copies: list[int]) -> None:
    put(landed, [events(range(150))])
    with landed.table.update_schema() as update:
        update.add_column("note", StringType())
        update.rename_column("name", "title")
    put(landed, [landed_now(landed, range(150, 300))])
    compacted(landed)
    assert copies == [150]


def landed_now(lake: Lake, ids: Sequence[int]) -> pa.Table:
    """Rows in the table's present schema."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    schema = schema_to_pyarrow(lake.table.schema())
    rows = events(ids).rename_columns({"name": "title"})
    return rows.append_column("note", pa.array(["new"] * len(ids), pa.large_string())).cast(schema)


def test_a_torn_row_group_fails_the_compaction(landed: Lake, copies: list[int]) -> None:
    def torn(content: bytes) -> bytes:
        return content[:4] + bytes(2000) + content[2004:]

    put(landed, [events(range(150))])
    put(landed, [events(range(150, 1500))], torn)
    head = landed.head
    with pytest.raises(CheckFailed, match="row group 0 is broken"):
        compact(landed.handle(), SPEC, MaintenancePolicy(), writer="t", now_ms=LATER_MS, force=True)
    assert landed.head == head


def test_row_groups_are_copied_from_so_many_rows_on(
    landed: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = io.BytesIO()
    pq.write_table(events(range(150)), made, compression="zstd", store_schema=False)
    content = made.getvalue()
    footer = footer_of(lambda at, count: content[at : at + count], len(content))
    like = pattern(events([0]).schema)
    assert [group.copied for group in old_groups(footer, like)] == [True]
    monkeypatch.setattr(copied_groups, "ENOUGH_ROWS", 151)
    assert [group.copied for group in old_groups(footer, like)] == [False]


def test_a_file_is_full_behind_a_copy_too(landed: Lake, copies: list[int]) -> None:
    for at in range(0, 1200, 150):
        put(landed, [events(range(at, at + 150))])
    size = files(landed)[0].file_size_in_bytes
    target = int(3.2 * size)
    compacted(landed, MaintenancePolicy(target_bytes=target, small_share=1.0))
    assert copies == [150] * 8
    first, last = sorted(files(landed), key=lambda file: -file.file_size_in_bytes)
    assert first.file_size_in_bytes > target
    assert [*group_rows(first), *group_rows(last)] == [150] * 8


def test_long_texts_of_one_row_group_leave_no_bounds_for_the_file(landed: Lake) -> None:
    long = events(range(300, 450)).set_column(
        events([0]).schema.get_field_index("name"),
        events([0]).schema.field("name"),
        pa.array(["z" * 5000] * 150, pa.large_string()),
    )
    put(landed, [events(range(150))])
    put(landed, [long])
    compacted(landed)
    found = landed.table.scan(row_filter="name > 'y'").to_arrow()
    assert len(found) == 150
