"""What nothing names and nobody is about to name is removed, and no more."""

from __future__ import annotations

import gzip
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
from shared.runtime.errors import Refused, Unavailable
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


def made(lake: DerivedLake, name: str, location: str, **properties: str) -> None:
    """A table of somebody else."""
    lake.others.create_table(name, lake.table.schema(), location, properties=properties)


def refused(lake: DerivedLake, match: str, **options: Any) -> None:
    """Not swept, and nothing is gone."""
    left_over(lake, "data/day_month=2026-01/lost.parquet")
    before = lake.files()
    with pytest.raises(Refused, match=match):
        swept(lake, **options)
    assert lake.files() == before


def test_two_tables_at_one_location_are_refused(lake: DerivedLake) -> None:
    made(lake, "core.first_orders", lake.table.location())
    refused(lake, "core.first_orders and core.orders both have files at")


@pytest.mark.parametrize("name", ["core.orders_of_2025", "dev_core.orders"])
def test_a_table_that_nobody_declares_counts_as_well(lake: DerivedLake, name: str) -> None:
    """Such as one that was renamed, and made anew under its old name in its old place."""
    made(lake, name, lake.table.location() + "/")
    refused(lake, f"{name} and core.orders both")


def test_tables_of_nested_namespaces_count_as_well(lake: DerivedLake) -> None:
    made(lake, "core.first_orders", lake.table.location())
    tables = lake.others.pointers.tables
    tables["all", "of", "theirs", "orders"] = tables.pop(("core", "first_orders"))
    refused(lake, "all.of.theirs.orders and core.orders both")


@pytest.mark.parametrize("place", ["write.data.path", "write.metadata.path"])
@pytest.mark.parametrize("inner", ["", "/data", "/metadata/"])
def test_another_tables_files_where_this_ones_are_are_refused(
    lake: DerivedLake, place: str, inner: str, tmp_path: Path
) -> None:
    at = lake.table.location() + inner
    made(lake, "other.orders", (tmp_path / "elsewhere").as_uri(), **{place: at})
    refused(lake, r"other.orders and core.orders both have files at .*/core/orders")


def test_a_table_within_another_ones_data_is_refused(lake: DerivedLake, tmp_path: Path) -> None:
    made(lake, "other.all", tmp_path.as_uri(), **{"write.data.path": (tmp_path / "core").as_uri()})
    refused(lake, "other.all and core.orders both")


def test_a_table_above_whose_files_are_elsewhere_is_no_obstacle(
    lake: DerivedLake, tmp_path: Path
) -> None:
    made(lake, "other.all", tmp_path.as_uri())
    lost = left_over(lake, "data/lost.parquet")
    swept(lake)
    assert not lost.exists()


def test_data_of_others_below_is_left_alone(lake: DerivedLake, tmp_path: Path) -> None:
    inner = f"{lake.table.location()}/data/of-theirs"
    made(lake, "other.orders", (tmp_path / "away").as_uri(), **{"write.data.path": inner})
    theirs = left_over(lake, "data/of-theirs/a.parquet")
    swept(lake)
    assert theirs.exists()


def test_a_catalog_that_does_not_list_the_table_is_not_believed(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(lake.others), "list_tables", lambda *_: [])
    refused(lake, "does not list core.orders")


def test_no_other_table_is_asked_for_where_nothing_would_go(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request for each table, at each sweep of each table, adds up where there are many."""
    made(lake, "other.orders", f"{lake.table.location()}/data/of-theirs")
    left_over(lake, "data/of-theirs/young.parquet", days=0)
    monkeypatch.setattr(type(lake.others), "list_tables", lambda *_: pytest.fail("asked"))
    assert not swept(lake).removed


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_metadata_of_a_table_that_the_catalog_does_not_know_is_refused(
    lake: DerivedLake, packed: bool
) -> None:
    """It may be another catalog's."""
    made(lake, "core.first_orders", lake.table.location())
    stranger = Path(lake.others.load_table("core.first_orders").metadata_location[len("file://") :])
    lake.others.drop_table("core.first_orders")
    if packed:
        content = gzip.compress(stranger.read_bytes())
        stranger.unlink()
        stranger = stranger.with_suffix(".json.gz")
        stranger.write_bytes(content)
    refused(lake, f"{stranger.name} is metadata of another table")
    stranger.unlink()
    assert swept(lake).removed


def test_an_unreadable_metadata_file_is_an_orphan_like_others(lake: DerivedLake) -> None:
    broken = left_over(lake, "metadata/00009-broken.metadata.json")
    swept(lake)
    assert not broken.exists()


def test_a_cut_off_less_than_a_day_ago_must_be_allowed(lake: DerivedLake) -> None:
    """A build in full may have written files for hours that no commit names yet."""
    path, now = left_over(lake, "data/lost.parquet", days=0.5), int(time.time() * 1000)
    with pytest.raises(Refused, match="younger than a day"):
        swept(lake, older_than_ms=now - 23 * 3_600_000)
    assert path.exists()
    swept(lake, older_than_ms=now - 3_600_000, allow_young=True)
    assert not path.exists()


def test_links_are_neither_followed_nor_removed(lake: DerivedLake, tmp_path: Path) -> None:
    target = tmp_path / "precious.parquet"
    target.write_bytes(b"precious")
    root = Path(lake.table.location().removeprefix("file://"))
    links = [root / "data" / "link.parquet", root / "linked", root / "dangling"]
    for link, to in zip(links, (target, tmp_path, tmp_path / "nowhere"), strict=True):
        link.symlink_to(to)
        os.utime(link, (0, 0), follow_symlinks=False)
    swept(lake)
    assert all(link.is_symlink() for link in links)
    assert target.exists()


def test_a_table_whose_data_is_behind_a_link_is_refused(lake: DerivedLake, tmp_path: Path) -> None:
    root = Path(lake.table.location().removeprefix("file://"))
    (root / "data").rename(tmp_path / "other-disk")
    (root / "data").symlink_to(tmp_path / "other-disk")
    left_over(lake, "lost.parquet")
    with pytest.raises(Refused, match="no file that the table names is to be seen"):
        swept(lake)
    assert (root / "lost.parquet").exists()


def test_a_table_without_rows_needs_no_file_to_be_seen(tmp_path: Path) -> None:
    empty = DerivedLake(tmp_path)
    lost = left_over(empty, "data/lost.parquet")
    swept(empty)
    assert not lost.exists()


@pytest.mark.parametrize(("kind", "error"), [(True, Refused), (False, Unavailable)])
def test_a_store_that_lets_nothing_be_deleted_is_an_error(
    lake: DerivedLake, kind: bool, error: type[Exception]
) -> None:
    class Refuses:
        def delete(self, paths: Iterable[str]) -> Deleted:
            return Deleted(frozenset(), len(list(paths)), "access denied", kind)

    left_over(lake, "data/lost.parquet")
    with pytest.raises(error, match=r"of core\.orders could be deleted: access denied"):
        swept(lake, files=Refuses())


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


MANY = 200_000


class Many:
    """Objects that exist nowhere, and then those that do."""

    def pages(self, location: str) -> Iterator[Sequence[StoredObject]]:
        if not location.endswith("/metadata"):
            for start in range(0, MANY, 1000):
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
def test_very_many_objects_are_never_held(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, listing = Forgets(), Many()
    held: list[int] = []
    monkeypatch.setattr(module, "SAMPLES", 3)
    report = swept(
        lake, listing=listing, files=files, progress=lambda told: held.append(len(told.samples))
    )
    assert report.removed >= MANY
    assert files.most <= BATCH
    assert report.held_at_most <= BATCH + 100
    assert max(held) == len(report.samples) == 3
