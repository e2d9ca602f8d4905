"""What others put into a table and cannot be read here stops only what it concerns."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.typedef import Record

from shared.lake.commit import Delta, Stale
from shared.lake.data_files import write_rows
from shared.lake.maintenance import compaction as module
from shared.lake.maintenance.compaction import CompactionReport, Status, compact
from shared.lake.maintenance.foreign_files import readable_files
from shared.lake.maintenance.policy import MaintenancePolicy, proposals
from shared.lake.maintenance.rewriting import Rewritten, rewrite
from shared.lake.maintenance.shape import shape_of
from shared.runtime.errors import Refused
from tests.support import foreign_snapshots
from tests.support.derived_lake import TARGET_BYTES, DerivedLake, origin, rows_of

LATER_MS = 4_000_000_000_000
JANUARY = (2026 - 1970) * 12


@pytest.fixture
def lake(tmp_path: Path) -> DerivedLake:
    """Five files of ten rows in each of three months."""
    found = DerivedLake(tmp_path)
    for month in range(3):
        for at in range(month, 150, 30):
            found.build(dict.fromkeys(range(at, at + 30, 3), 0))
    return found


def put(
    lake: DerivedLake,
    content: DataFileContent,
    kind: FileFormat,
    partition: Record,
    spec_id: int | None = None,
) -> None:
    """Somebody else commits a file of a kind that is not read here; it is never opened."""
    file = DataFile.from_args(
        content=content,
        file_path=f"{lake.table.location()}/data/foreign",
        file_format=kind,
        partition=partition,
        record_count=1,
        file_size_in_bytes=1,
        equality_ids=[1] if content == DataFileContent.EQUALITY_DELETES else None,
    )
    file.spec_id = lake.metadata.default_spec_id if spec_id is None else spec_id
    foreign_snapshots.snapshot(lake.table, added=[(file, None)])


def without_fields(lake: DerivedLake) -> int:
    return min(number for number, spec in lake.table.specs().items() if spec.is_unpartitioned())


def compacted(lake: DerivedLake, *, dry_run: bool = False) -> CompactionReport:
    return compact(
        lake.handle(),
        lake.spec,
        MaintenancePolicy(),
        writer="test",
        now_ms=LATER_MS,
        dry_run=dry_run,
    )


def files_of(lake: DerivedLake) -> list[int]:
    """Data files of each month."""
    live = readable_files(lake.table, lake.head).files.data
    months = [each.file.partition[0] for each in live.values()]
    return [months.count(JANUARY + month) for month in range(3)]


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (DataFileContent.EQUALITY_DELETES, FileFormat.PARQUET, "equality deletes"),
        (DataFileContent.POSITION_DELETES, FileFormat.PUFFIN, "PUFFIN"),
        (DataFileContent.DATA, FileFormat.ORC, "ORC"),
    ],
)
def test_other_partitions_are_compacted_and_the_job_fails(
    lake: DerivedLake, content: DataFileContent, kind: FileFormat, words: str
) -> None:
    put(lake, content, kind, Record(JANUARY + 1))
    with pytest.raises(Refused, match=words) as refused:
        compacted(lake)
    assert files_of(lake) == [1, 5, 1]
    assert "day_month=2026-02" in refused.value.what
    assert "2 groups were committed, 10 files became 2" in refused.value.what
    assert "rewrite" in refused.value.next_step
    with pytest.raises(Refused, match=words) as again:
        compacted(lake)
    assert "committed" not in again.value.what, "nothing is left to be done but what is refused"


def test_equality_deletes_without_a_partition_concern_all(lake: DerivedLake) -> None:
    kinds = DataFileContent.EQUALITY_DELETES, FileFormat.PARQUET
    put(lake, *kinds, Record(), without_fields(lake))
    with pytest.raises(Refused, match="2 more groups failed; 0 groups were committed"):
        compacted(lake)
    assert files_of(lake) == [5, 5, 5]


def test_a_dry_run_tells_which_would_be_refused(lake: DerivedLake) -> None:
    put(lake, DataFileContent.EQUALITY_DELETES, FileFormat.PARQUET, Record(JANUARY))
    report = compacted(lake, dry_run=True)
    assert (report.status, report.groups) == (Status.DRY_RUN, 2)
    assert "day_month=2026-01: refused" in report.reason
    assert files_of(lake) == [5, 5, 5]


def test_of_a_refused_partition_nothing_is_proposed(lake: DerivedLake) -> None:
    put(lake, DataFileContent.EQUALITY_DELETES, FileFormat.PARQUET, Record(JANUARY))
    shape = shape_of(lake.table, lake.spec, lake.state)
    made = proposals(shape, lake.state, MaintenancePolicy(), LATER_MS)
    found = {each.partition: each for each in made}
    assert [found[f"day_month=2026-0{month}"].due for month in (1, 2, 3)] == [False, True, True]
    assert "equality deletes" in found["day_month=2026-01"].reason


@pytest.mark.parametrize(("month", "becomes"), [(0, [5, 1, 1]), (2, [1, 1, 5])])
def test_they_may_come_while_files_are_written(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch, month: int, becomes: list[int]
) -> None:
    """Of January, which is amid its rewrite, or of March, whose turn comes later."""
    left = [month]

    def overtaken(*arguments: object, **options: object) -> Rewritten:
        found = rewrite(*arguments, **options)  # type: ignore[arg-type]
        if left:
            partition = Record(JANUARY + left.pop())
            put(lake, DataFileContent.EQUALITY_DELETES, FileFormat.PARQUET, partition)
        return found

    monkeypatch.setattr(module, "rewrite", overtaken)
    with pytest.raises(Refused, match="equality deletes"):
        compacted(lake)
    assert files_of(lake) == becomes


def test_a_change_planned_before_them_fits_only_elsewhere(lake: DerivedLake) -> None:
    planned = {month: swap(lake, month) for month in range(3)}
    put(lake, DataFileContent.EQUALITY_DELETES, FileFormat.PARQUET, Record(JANUARY))
    with pytest.raises(Stale, match="by value"):
        lake.send(planned[0])
    lake.send(planned[1])
    put(lake, DataFileContent.EQUALITY_DELETES, FileFormat.PARQUET, Record(), without_fields(lake))
    with pytest.raises(Stale, match="by value"):
        lake.send(planned[2])


def swap(lake: DerivedLake, month: int) -> Delta:
    """The files of a month leave for one."""
    live = lake.live()
    own = [p for p, each in live.data.items() if each.file.partition[0] == JANUARY + month]
    rows = rows_of(dict.fromkeys(range(month, 150, 3), 0))
    files = write_rows(lake.table, lake.spec, rows, target_bytes=TARGET_BYTES)
    return Delta(added=files, dropped=set(own), planned=lake.head, carried=origin(15))
