"""What nothing names and nobody is about to name is removed, and no more."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.table.update import RemoveSnapshotsUpdate

from shared.lake.maintenance import orphans as module
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.deletion import Deleted
from shared.lake.maintenance.listing import DirectoryListing, StoredObject
from shared.lake.maintenance.orphans import BATCH, OrphanReport, remove_orphans
from shared.lake.row_changes import MERGE_ON_READ
from shared.runtime.errors import Refused
from tests.support.derived_lake import DerivedLake, compaction
from tests.support.lake import PLAIN
from tests.support.named_files import missing, named

DAY_S = 86_400
ROWS = dict.fromkeys(range(9), 0)


@pytest.fixture
def lake(tmp_path: Path) -> DerivedLake:
    """A table of some changes whose files are all ten days old."""
    found = DerivedLake(tmp_path, MERGE_ON_READ)
    found.build(ROWS)
    found.build({1: 1})
    grown_old(found.files())
    return found


def grown_old(paths: Iterable[Path], days: float = 10) -> None:
    for path in paths:
        os.utime(path, (time.time() - days * DAY_S,) * 2)


def left_over(lake: DerivedLake, name: str, days: float = 10, size: int = 10) -> Path:
    """A file below the table's location that nothing names."""
    path = Path(lake.table.location().removeprefix("file://")) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    grown_old([path], days)
    return path


def swept(lake: DerivedLake, **options: Any) -> OrphanReport:
    now = int(time.time() * 1000)
    cutoff = now - 3 * DAY_S * 1000
    return remove_orphans(
        lake.handle(), lake.spec, **{"older_than_ms": cutoff, "now_ms": now, **options}
    )


def test_what_is_old_and_not_named_goes(lake: DerivedLake) -> None:
    swept(lake)  # metadata files that the log names no more
    before, rows = lake.files(), lake.rows()
    data = left_over(lake, "data/day_month=2026-01/lost.parquet", size=7)
    manifest = left_over(lake, "metadata/lost-m0.avro", size=5)
    report = swept(lake)
    assert report.status is Status.SUCCESS
    assert (report.removed, report.bytes, report.errors) == (2, 12, 0)
    assert report.listed == len(before) + 2
    assert report.referenced == len(named(lake))
    assert {Path(each.removeprefix("file://")) for each in report.samples} == {data, manifest}
    assert lake.files() == before
    assert lake.rows() == rows


def test_a_dry_run_removes_nothing_and_tells_the_same(lake: DerivedLake) -> None:
    left_over(lake, "data/lost.parquet")
    before = lake.files()
    told = swept(lake, dry_run=True)
    assert told.status is Status.DRY_RUN
    assert lake.files() == before
    done = swept(lake)
    assert (told.removed, told.bytes, told.samples) == (done.removed, done.bytes, done.samples)


def written_but_not_committed(lake: DerivedLake) -> Callable[[], object]:
    """A writer between its files and its commit; what is returned commits."""
    planned = lake.plan({2: 5})
    return lambda: lake.send(planned)


def test_files_of_a_writer_under_way_stay(lake: DerivedLake) -> None:
    commit = written_but_not_committed(lake)
    report = swept(lake)
    assert report.too_young >= 2
    commit()
    assert dict(lake.rows())[2] == 5
    assert not missing(lake)


def test_a_sweep_that_ignores_age_is_noticed(lake: DerivedLake) -> None:
    """The planted fault: by this listing every object is as old as the world."""

    class Ageless:
        def pages(self, location: str) -> Iterator[Sequence[StoredObject]]:
            for page in DirectoryListing().pages(location):
                yield [each._replace(modified_ms=0) for each in page]

    commit = written_but_not_committed(lake)
    swept(lake, listing=Ageless())
    commit()
    assert missing(lake)


class Meanwhile:
    """A listing during which something happens, once the objects are known."""

    def __init__(self, event: Callable[[], object], page: int = 1) -> None:
        self.event, self.page = event, page

    def pages(self, location: str) -> Iterator[Sequence[StoredObject]]:
        for page in DirectoryListing().pages(location):
            yield page
            if not location.endswith("/metadata"):
                self.event()


def test_what_is_committed_after_it_was_listed_stays(lake: DerivedLake) -> None:
    """Old files, named by a commit that came in between: an unknown outcome that ends late."""
    before = lake.files()
    commit = written_but_not_committed(lake)
    grown_old(lake.files() - before)
    report = swept(lake, listing=Meanwhile(commit))
    assert report.listed > 0
    assert dict(lake.rows())[2] == 5
    assert not missing(lake)


def test_what_was_named_when_it_began_stays(lake: DerivedLake) -> None:
    """A reader may still be on a snapshot that goes while the sweep is under way."""
    first = lake.state.snapshots[0]
    data = next(iter(lake.live().data))
    lake.send(compaction(lake, lake.head))
    grown_old(lake.files())

    def history_ends() -> None:
        ids = [each.snapshot_id for each in lake.state.snapshots[:-1]]
        lake.update(RemoveSnapshotsUpdate(snapshot_ids=ids))

    swept(lake, listing=Meanwhile(history_ends))
    assert first.snapshot_id not in lake.state.by_id
    path = Path(data.removeprefix("file://"))
    assert path.exists()
    swept(lake)
    assert not path.exists()


def test_files_of_a_table_below_are_none_of_this_ones(lake: DerivedLake) -> None:
    lake.others.create_table(
        PLAIN.table("core.first_orders"), lake.table.schema(), f"{lake.table.location()}/inner"
    )
    theirs = left_over(lake, "inner/data/of-theirs.parquet")
    report = swept(lake)
    assert report.elsewhere >= 1
    assert theirs.exists()


def test_two_tables_at_one_location_are_refused(lake: DerivedLake) -> None:
    lake.others.create_table(
        PLAIN.table("core.first_orders"), lake.table.schema(), lake.table.location()
    )
    before = lake.files()
    with pytest.raises(Refused, match="both at"):
        swept(lake)
    assert lake.files() == before


def test_a_cut_off_less_than_an_hour_ago_must_be_allowed(lake: DerivedLake) -> None:
    path, now = left_over(lake, "data/lost.parquet", days=0.5 / 24), int(time.time() * 1000)
    with pytest.raises(Refused, match="younger than an hour"):
        swept(lake, older_than_ms=now - 60_000)
    assert path.exists()
    swept(lake, older_than_ms=now - 60_000, allow_young=True)
    assert not path.exists()


def test_hidden_files_and_markers_of_directories_stay(lake: DerivedLake) -> None:
    kept = [
        left_over(lake, "data/.part.crc"),
        left_over(lake, "_delta_log/0.json"),
        left_over(lake, "data/day_month=2026-05", size=0),
    ]
    gone = left_over(lake, "data/_loaded_at_day=2026-05-01/lost.parquet")
    swept(lake)
    assert all(path.exists() for path in kept)
    assert not gone.exists()


def test_a_listing_that_spells_paths_otherwise_is_refused(lake: DerivedLake) -> None:
    class Otherwise:
        def pages(self, location: str) -> Iterator[Sequence[StoredObject]]:
            yield [StoredObject(f"{location}/elsewhere/{n}.parquet", 1, 0) for n in range(3)]

    with pytest.raises(Refused, match="not to be seen"):
        swept(lake, listing=Otherwise())


def test_another_table_of_the_name_ends_the_sweep(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = left_over(lake, "data/lost.parquet")

    def dropped_and_made_again() -> None:
        location = lake.table.location()
        lake.drop()
        lake.others.create_table(PLAIN.table(lake.spec.name), lake_schema, location)

    lake_schema = lake.table.schema()
    report = swept(lake, listing=Meanwhile(dropped_and_made_again))
    assert report.status is Status.SKIPPED
    assert "another table" in report.reason
    assert path.exists()


MILLION = 1_000_000


class Many:
    """A million objects that exist nowhere, and then those that do."""

    def pages(self, location: str) -> Iterator[Sequence[StoredObject]]:
        if not location.endswith("/metadata"):
            for start in range(0, MILLION, 1000):
                yield [
                    StoredObject(f"{location}/data/{n}.parquet", 1, 0)
                    for n in range(start, start + 1000)
                ]
        yield from DirectoryListing().pages(location)


class Forgets:
    """Deletes nothing, and counts."""

    most = 0

    def delete(self, paths: Iterable[str]) -> Deleted:
        own = frozenset(paths)
        self.most = max(self.most, len(own))
        return Deleted(own)


@pytest.mark.timeout(900)
def test_a_million_objects_are_never_held(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, listing = Forgets(), Many()
    held: list[int] = []
    monkeypatch.setattr(module, "SAMPLES", 3)
    report = swept(
        lake, listing=listing, files=files, progress=lambda told: held.append(len(told.samples))
    )
    assert report.removed >= MILLION
    assert files.most <= BATCH
    assert report.held_at_most <= BATCH + 100
    assert max(held) == len(report.samples) == 3
