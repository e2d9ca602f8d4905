"""A change of rows is one snapshot, and only on a head that it fits."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyiceberg.manifest import (
    DataFileContent,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    read_manifest_list,
)
from pyiceberg.table.update import RemoveSnapshotsUpdate, SetPropertiesUpdate

from shared.lake import head_checks, staging
from shared.lake.commit import Delta, Result, Stale
from shared.lake.folding import FoldingPolicy, fold
from shared.lake.position_deletes import write_position_deletes
from shared.lake.provenance import traced
from shared.lake.row_changes import COPY_ON_WRITE, MERGE_ON_READ, delta
from shared.lake.table_state import SnapshotEntry
from tests.support.derived_lake import (
    MONTHS,
    TARGET_BYTES,
    DerivedLake,
    compaction,
    origin,
    rows_of,
)
from tests.support.position_deletes import delete_positions

TEN = dict.fromkeys(range(10), 0)


@pytest.fixture
def lake(tmp_path: Path) -> DerivedLake:
    """Keys 0 to 9 in three months, built once."""
    found = DerivedLake(tmp_path)
    found.build(TEN)
    return found


def manifests(lake: DerivedLake, snapshot: SnapshotEntry | None = None) -> list[ManifestFile]:
    path = (snapshot or lake.head).manifest_list
    return list(read_manifest_list(lake.table.io.new_input(path)))


def entries(lake: DerivedLake, content: ManifestContent) -> list[ManifestEntry]:
    """All entries, also those of files that left with this snapshot."""
    return [
        entry
        for manifest in manifests(lake)
        if manifest.content == content
        for entry in manifest.fetch_manifest_entry(lake.table.io, discard_deleted=False)
    ]


class TestOneSnapshot:
    def test_rows_go_and_come_at_once(self, lake: DerivedLake) -> None:
        before = lake.head
        lake.build({3: 1, 20: 1}, remove={4})
        assert lake.rows() == sorted({**TEN, 3: 1, 20: 1}.items() - {(4, 0)})
        assert lake.head.parent_snapshot_id == before.snapshot_id
        assert lake.rows(before.snapshot_id) == sorted(TEN.items())

    def test_delete_files_are_of_the_spec_and_partition_of_what_they_name(
        self, lake: DerivedLake
    ) -> None:
        lake.build({0: 1, 3: 1, 1: 1})
        deletes = [entry.data_file for entry in entries(lake, ManifestContent.DELETES)]
        assert len(deletes) == 2  # 0 and 3 are of January, 1 is of February
        assert {file.content for file in deletes} == {DataFileContent.POSITION_DELETES}
        assert {file.spec_id for file in deletes} == {lake.metadata.default_spec_id}
        months = {(MONTHS[k].year - 1970) * 12 + MONTHS[k].month - 1 for k in (0, 1)}
        assert {file.partition[0] for file in deletes} == months
        assert sum(file.record_count for file in deletes) == 3

    def test_their_manifest_says_that_it_holds_deletes(self, lake: DerivedLake) -> None:
        lake.build({0: 1})
        (listed,) = [m for m in manifests(lake) if m.content == ManifestContent.DELETES]
        assert (listed.added_files_count, listed.added_rows_count) == (1, 1)
        assert listed.sequence_number == listed.min_sequence_number == lake.head.sequence_number
        content = Path(listed.manifest_path.removeprefix("file://")).read_bytes()
        assert b"content\x0edeletes" in content

    @pytest.mark.parametrize(
        ("put", "remove", "operation"),
        [
            ({20: 1}, (), "append"),
            ({}, (3,), "delete"),
            ({3: 1}, (), "overwrite"),
            ({}, (), "append"),
        ],
    )
    def test_operations(
        self, lake: DerivedLake, put: dict[int, int], remove: tuple[int, ...], operation: str
    ) -> None:
        lake.build(put, remove)
        assert lake.head.summary["operation"] == operation

    def test_summaries_add_up(self, lake: DerivedLake) -> None:
        lake.build({0: 1, 1: 1, 2: 1, 30: 1})
        lake.build({0: 2}, remove={30})
        summary = lake.head.summary
        assert summary["added-records"] == "1"
        assert summary["added-position-deletes"] == "2"
        assert summary["added-delete-files"] == "1"
        live = lake.live()
        held = [each.file.record_count for each in live.data.values()]
        gone = [each.file.record_count for each in live.deletes.values()]
        sizes = [e.file.file_size_in_bytes for f in (live.data, live.deletes) for e in f.values()]
        assert summary["total-data-files"] == str(len(held))
        assert summary["total-records"] == str(sum(held))
        assert summary["total-delete-files"] == str(len(gone))
        assert summary["total-position-deletes"] == str(sum(gone))
        assert summary["total-files-size"] == str(sum(sizes))
        assert sum(held) - sum(gone) == len(lake.rows())

    def test_what_it_is_built_from_is_in_the_same_snapshot(self, lake: DerivedLake) -> None:
        lake.send(lake.plan(carried=origin(7)))
        assert traced(lake.state).provenance == origin(7)
        assert traced(lake.state).snapshot_id == lake.head.snapshot_id

    def test_manifests_of_deletes_are_merged_as_those_of_data(self, lake: DerivedLake) -> None:
        names = {"commit.manifest.min-count-to-merge": "4"}
        lake.update(SetPropertiesUpdate(updates=names))
        for number in range(1, 12):
            lake.build({number % 3: number})
            listed = [m for m in manifests(lake) if m.content == ManifestContent.DELETES]
            assert len(listed) <= 4
            numbers = {each.sequence_number for each in lake.live().deletes.values()}
            assert numbers == set(range(2, number + 2))
        assert lake.rows() == sorted({**TEN, 0: 9, 1: 10, 2: 11}.items())

    def test_a_merged_one_gives_up_what_is_folded(self, lake: DerivedLake) -> None:
        names = {"commit.manifest.min-count-to-merge": "2"}
        lake.update(SetPropertiesUpdate(updates=names))
        for number in range(1, 8):
            lake.build({number % 3: number})
        before = lake.rows()
        outcome = fold(
            lake.handle(),
            lake.spec,
            commit_id="fold",
            writer="test",
            policy=FoldingPolicy(delete_commits=3),
        )
        assert outcome is not None
        left = {each.sequence_number for each in lake.live().deletes.values()}
        assert left == {3, 4, 6, 7}  # of the two months that had two deletes each
        assert lake.rows() == before


class TestFilesThatLeave:
    def test_they_are_listed_once_more_as_deleted(self, lake: DerivedLake) -> None:
        before = lake.live()
        lake.send(compaction(lake, lake.head))
        found = entries(lake, ManifestContent.DATA)
        gone = [e for e in found if e.status is ManifestEntryStatus.DELETED]
        assert {e.data_file.file_path for e in gone} == before.data.keys()
        assert {e.snapshot_id for e in gone} == {lake.head.snapshot_id}
        for entry in gone:
            old = before.data[entry.data_file.file_path]
            assert entry.sequence_number == entry.file_sequence_number == old.sequence_number

    def test_and_are_not_listed_by_the_next_snapshot(self, lake: DerivedLake) -> None:
        lake.send(compaction(lake, lake.head))
        lake.build({20: 1})
        assert all(
            entry.status is not ManifestEntryStatus.DELETED
            for entry in entries(lake, ManifestContent.DATA)
        )

    def test_what_stays_in_a_manifest_keeps_its_numbers(self, lake: DerivedLake) -> None:
        lake.build({20: 1})
        first, *others = sorted(lake.live().data)
        kept = {path: lake.live().data[path].sequence_number for path in others}
        lake.send(Delta(dropped={first}, planned=lake.head))
        assert {path: e.sequence_number for path, e in lake.live().data.items()} == kept
        listed = manifests(lake)
        assert min(m.min_sequence_number for m in listed) == min(kept.values())
        assert sum(m.deleted_files_count or 0 for m in listed) == 1

    def test_summaries_say_what_left(self, lake: DerivedLake) -> None:
        lake.build({0: 1})
        before = lake.head.summary
        lake.send(compaction(lake, lake.head))
        summary = lake.head.summary
        assert summary["operation"] == "replace"
        assert summary["deleted-data-files"] == before["total-data-files"]
        assert summary["deleted-records"] == before["total-records"]
        assert summary["removed-position-deletes"] == "1"
        assert summary["total-delete-files"] == summary["total-position-deletes"] == "0"
        assert summary["total-records"] == str(len(lake.rows())) == "10"

    def test_deletes_that_have_nothing_left_to_delete_leave_too(self, lake: DerivedLake) -> None:
        lake.build(remove={0, 1})
        january = {
            path
            for path, each in lake.live().data.items()
            if each.file.partition[0] == (2026 - 1970) * 12
        }
        assert len(lake.live().deletes) == 2
        lake.send(Delta(dropped=january, planned=lake.head))
        (left,) = lake.live().deletes.values()
        assert left.file.partition[0] == (2026 - 1970) * 12 + 1
        assert [key for key, _ in lake.rows()] == [2, 4, 5, 7, 8]

    def test_deletes_that_still_name_a_live_file_stay(self, lake: DerivedLake) -> None:
        lake.build({30: 1})  # a second file of January
        lake.build({0: 1, 30: 2})
        (both,) = lake.live().deletes
        named = next(iter(lake.located({3})))
        lake.send(Delta(dropped={named}, planned=lake.head))
        assert set(lake.live().deletes) == {both}
        assert (30, 1) not in lake.rows()

    @pytest.mark.parametrize("mode", [MERGE_ON_READ, COPY_ON_WRITE])
    def test_a_full_build_replaces_everything(self, tmp_path: Path, mode: str) -> None:
        lake = DerivedLake(tmp_path / "full", mode)
        lake.build(TEN)
        lake.build({0: 1})
        head = lake.head
        lake.send(
            delta(
                lake.table,
                lake.spec,
                lake.live(),
                {},
                rows_of({5: 9}),
                planned=head,
                carried=origin(9),
                target_bytes=TARGET_BYTES,
                replaces=True,
            )
        )
        assert lake.rows() == [(5, 9)]
        assert lake.head.summary["operation"] == "overwrite"
        assert lake.live().deletes == {}


def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deltas are committed on whatever head there is, as the library and other engines do."""
    for name in ("require_fit", "require_same_origin"):
        monkeypatch.setattr(staging, name, lambda *_: None)


class TestChecksOnTheAssertedHead:
    """Each kind of damage, and that the check is what prevents it."""

    def test_a_delta_over_a_compaction_would_bring_deleted_rows_back(
        self, lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        planned = lake.plan({}, remove={3, 4})
        lake.send(compaction(lake, lake.head))
        with pytest.raises(Stale, match="not live any more"):
            lake.send(planned)
        assert lake.rows() == sorted(TEN.items())
        unchecked(monkeypatch)
        lake.send(planned)
        assert {(3, 0), (4, 0)} <= set(lake.rows())  # the delete names files that are no more

    def test_a_compaction_over_a_delta_would_show_keys_twice(
        self, lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        planned = compaction(lake, lake.head)
        lake.build({3: 1, 4: 1})
        with pytest.raises(Stale, match="younger than the plan"):
            lake.send(planned)
        assert len(lake.rows()) == 10
        unchecked(monkeypatch)
        lake.send(planned)
        assert [row for row in lake.rows() if row[0] in (3, 4)] == [(3, 0), (3, 1), (4, 0), (4, 1)]

    def test_two_deltas_of_one_key_would_show_it_twice(
        self, lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on = lake.head
        first, second = lake.plan({3: 1}, on=on), lake.plan({3: 2}, on=on)
        lake.send(first)
        with pytest.raises(Stale):
            lake.send(second)
        assert lake.rows() == sorted({**TEN, 3: 1}.items())
        unchecked(monkeypatch)
        lake.send(second)
        assert [row for row in lake.rows() if row[0] == 3] == [(3, 1), (3, 2)]

    def test_younger_deletes_are_seen_even_when_nobody_says_what_they_are_built_from(
        self, lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The files alone tell: maintenance carries whatever its head records."""
        monkeypatch.setattr(staging, "require_same_origin", lambda *_: None)
        on = lake.head
        first, second = lake.plan({3: 1}, on=on), lake.plan({3: 2}, on=on)
        lake.send(first)
        with pytest.raises(Stale, match="younger than the plan"):
            lake.send(second)

    def test_two_builds_that_only_add_rows_would_add_them_twice(
        self, lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on = lake.head
        first, second = lake.plan({20: 1}, on=on), lake.plan({20: 1}, on=on)
        lake.send(first)
        with pytest.raises(Stale, match="other sources"):
            lake.send(second)
        assert lake.rows().count((20, 1)) == 1
        unchecked(monkeypatch)
        lake.send(second)
        assert lake.rows().count((20, 1)) == 2

    def test_also_on_a_head_that_is_foreign(self, lake: DerivedLake) -> None:
        on = lake.foreign_delete("id = 3")
        first, second = lake.plan({20: 1}, on=on), lake.plan({20: 1}, on=on)
        lake.send(first)
        with pytest.raises(Stale, match="other sources"):
            lake.send(second)

    def test_a_position_is_never_deleted_twice(self, lake: DerivedLake) -> None:
        ((path, positions),) = lake.located({3}).items()
        lake.build(remove={3})
        again = write_position_deletes(
            lake.table, {path: positions}, {path: lake.live().data[path].file}
        )
        with pytest.raises(Stale, match="deleted already"):
            lake.send(Delta(deletes=again, named={path}, planned=lake.head))

    def test_deletes_of_other_files_do_not_disturb(self, lake: DerivedLake) -> None:
        on = lake.head
        planned = Delta(dropped=set(lake.located({0})), planned=on)
        lake.build(remove={1})
        assert lake.send(planned).result is Result.COMMITTED
        assert [key for key, _ in lake.rows()] == [2, 4, 5, 7, 8]

    def test_a_younger_delete_file_of_the_partition_is_read_before_it_counts(
        self, lake: DerivedLake
    ) -> None:
        """Its bounds span files that it does not name."""
        lake.build({30: 1})
        lake.build({33: 1})
        lake.build({36: 1})
        first, middle, last = sorted(lake.located({30, 33, 36}))
        planned = Delta(dropped={middle}, planned=lake.head)
        files = {path: lake.live().data[path].file for path in (first, last)}
        deletes = write_position_deletes(lake.table, {first: [0], last: [0]}, files)
        lake.send(Delta(deletes=deletes, named={first, last}, planned=lake.head))
        assert lake.send(planned).result is Result.COMMITTED

    def test_another_engines_delete_counts_as_well(self, lake: DerivedLake) -> None:
        planned = compaction(lake, lake.head)
        path = next(iter(lake.located({3})))
        delete_positions(lake.table, lake.live().data[path].file, [0])
        with pytest.raises(Stale, match="younger than the plan"):
            lake.send(planned)

    def test_a_plan_of_a_head_that_was_rolled_back_is_refused(self, lake: DerivedLake) -> None:
        """The rows that it took for deleted are there again."""
        before = lake.head
        lake.build(remove={3})
        planned = Delta(
            added=compaction(lake, lake.head).added,
            dropped=lake.live().data.keys(),
            planned=lake.head,
            replace=True,
        )
        lake.roll_back(before.snapshot_id)
        with pytest.raises(Stale, match="none of the present history"):
            lake.send(planned)
        lake.build({20: 1})
        with pytest.raises(Stale, match="none of the present history"):
            lake.send(planned)
        assert (3, 0) in lake.rows()

    def test_a_plan_outlives_the_snapshot_that_it_was_made_on(self, lake: DerivedLake) -> None:
        planned = compaction(lake, lake.head)
        for number in range(3):
            lake.send(Delta(planned=lake.head, carried=origin(50 + number)))
        thinned = [s.snapshot_id for s in lake.state.snapshots if s != lake.head]
        lake.update(RemoveSnapshotsUpdate(snapshot_ids=thinned))
        assert lake.send(planned).result is Result.COMMITTED
        assert lake.rows() == sorted(TEN.items())

    def test_deletes_must_name_their_files(self, lake: DerivedLake) -> None:
        planned = lake.plan({3: 1})
        with pytest.raises(ValueError, match="must name"):
            Delta(deletes=planned.deletes, planned=lake.head)
        other = next(iter(lake.located({1})))
        with pytest.raises(ValueError, match="which is not named"):
            head_checks.require_fit(
                lake.table.io,
                lake.live(),
                lake.state,
                lake.head,
                Delta(deletes=planned.deletes, named={other}, planned=lake.head),
            )


class TestMaintenance:
    def test_it_carries_what_its_head_records_not_what_it_was_planned_on(
        self, lake: DerivedLake
    ) -> None:
        planned = compaction(lake, lake.head)
        lake.send(Delta(planned=lake.head, carried=origin(8)))
        lake.send(planned)
        assert traced(lake.state).provenance == origin(8)
        assert traced(lake.state).snapshot_id == lake.head.snapshot_id

    def test_on_a_foreign_head_as_well(self, lake: DerivedLake) -> None:
        lake.foreign_delete("id = 3")
        foreign = lake.head.snapshot_id
        lake.send(compaction(lake, lake.head))
        assert traced(lake.state).provenance == origin(1)
        assert foreign in {each.snapshot_id for each in traced(lake.state).foreign}
