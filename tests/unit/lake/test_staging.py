"""An append as we stage it is an append as PyIceberg makes it, and both build upon each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from msgspec.structs import replace
from pyiceberg.manifest import DataFile, ManifestContent, ManifestFile, read_manifest_list
from pyiceberg.table import CommitTableRequest
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update import (
    AddSnapshotUpdate,
    AssertRefSnapshotId,
    AssertTableUUID,
    RemoveSnapshotRefUpdate,
    RemoveSnapshotsUpdate,
    SetPropertiesUpdate,
    SetSnapshotRefUpdate,
)
from pyiceberg.types import StringType

from shared.contracts.identity import uuid7
from shared.lake.commit import Append, Head, commit
from shared.lake.commit_request import HOUR_TAG_MAX_AGE_MS, commit_request
from shared.lake.decisions import Change, Delta
from shared.lake.handle import TableHandle
from shared.lake.landing_files import write_data_file
from shared.lake.manifest_merging import MergePolicy, bins
from shared.lake.positions import Positions
from shared.lake.table_state import SnapshotEntry, TableState
from shared.lake.thinning import ThinningPlan
from shared.runtime.errors import Refused
from tests.support.lake import (
    LOG,
    PLAIN,
    Batch,
    Lake,
    manifests_named,
    manifests_on_disk,
    reference,
    rows,
)
from tests.support.position_deletes import delete_positions
from tests.unit.lake.test_landing_files import DAY, EVERY_TYPE, VALUES, table_of

NOTHING = Change(Delta(), Operation.APPEND, Positions(), {})


def land(lake: Lake, handle: TableHandle, number: int) -> None:
    """Offsets ``[10 * number, 10 * number + 10)``, in one file."""
    batch = Batch(handle, 10 * number, 10 * number + 10)
    commit(handle, batch.decide, commit_id=f"c{number}", writer="test")


def append(handle: TableHandle, files: Sequence[DataFile]) -> None:
    """These files, whatever the positions."""

    def decide(head: Head, _: bool) -> Append:
        return Append(files, head.recorded.positions or Positions())

    commit(handle, decide, commit_id=uuid7(), writer="test")


def merge_at(lake: Lake, count: int, **more: str) -> None:
    names = {"commit.manifest-merge.enabled": "true"}
    names["commit.manifest.min-count-to-merge"] = str(count)
    lake.update(SetPropertiesUpdate(updates=names | more))


def manifests(lake: Lake) -> list[ManifestFile]:
    return list(read_manifest_list(lake.table.io.new_input(lake.head.manifest_list)))


def sequence_numbers(lake: Lake) -> list[int]:
    """Of all live data files, in order."""
    entries = [e for m in manifests(lake) for e in m.fetch_manifest_entry(lake.table.io)]
    assert all(entry.file_sequence_number == entry.sequence_number for entry in entries)
    return sorted(entry.sequence_number or 0 for entry in entries)


class TestLikeTheLibrary:
    """The same files appended to twin tables, by us and by PyIceberg."""

    @pytest.fixture
    def twins(self, tmp_path: Path) -> tuple[Lake, Lake]:
        return Lake(tmp_path / "ours", EVERY_TYPE), Lake(tmp_path / "theirs", EVERY_TYPE)

    @pytest.mark.parametrize("limit", ["0", "10"])
    def test_summaries_are_equal(self, twins: tuple[Lake, Lake], limit: str) -> None:
        ours, theirs = twins
        for lake in twins:
            lake.update(SetPropertiesUpdate(updates={"write.summary.partition-limit": limit}))
        for days in (1, 2):
            files = [
                write_data_file(theirs.table, table_of(EVERY_TYPE, VALUES), DAY.replace(day=day))
                for day in range(1, days + 1)
            ]
            append(ours.handle(), files)
            with (
                theirs.table.transaction() as transaction,
                transaction.update_snapshot().merge_append() as producer,
            ):
                for file in files:
                    producer.append_data_file(file)
            summary = {
                key: value
                for key, value in ours.head.summary.items()
                if not key.startswith("bergline.")
            }
            assert summary == theirs.head.summary
        assert ours.head.summary["total-records"] == "9"

    def test_snapshots_are_equal_but_for_ids_times_and_paths(
        self, twins: tuple[Lake, Lake]
    ) -> None:
        ours, theirs = twins
        file = write_data_file(theirs.table, table_of(EVERY_TYPE, VALUES), DAY)
        append(ours.handle(), [file])
        with (
            theirs.table.transaction() as transaction,
            transaction.update_snapshot().merge_append() as producer,
        ):
            producer.append_data_file(file)
        mine, other = ours.head, theirs.head
        assert mine.sequence_number == other.sequence_number == 1
        assert mine.schema_id == other.schema_id
        assert mine.parent_snapshot_id is other.parent_snapshot_id is None
        (listed,), (expected,) = manifests(ours), manifests(theirs)
        assert listed.added_snapshot_id == mine.snapshot_id
        assert listed.key_metadata is None
        assert [listed._data[n] for n in (2, 3, 4, 5, *range(7, 13))] == [
            expected._data[n] for n in (2, 3, 4, 5, *range(7, 13))
        ]
        assert [list(p._data) for p in listed.partitions or ()] == [
            list(p._data) for p in expected.partitions or ()
        ]

    def test_the_request_says_what_the_librarys_models_say(self) -> None:
        state = TableState(
            table_uuid="9c12d441-03fe-4693-9a96-a0705ddf69c1",
            location="s3://warehouse/t",
            current_snapshot_id=4,
        )
        snapshot = SnapshotEntry(
            snapshot_id=5,
            parent_snapshot_id=4,
            sequence_number=9,
            timestamp_ms=1_700_000_000_000,
            manifest_list="s3://warehouse/t/metadata/snap-5.avro",
            summary={"operation": "append", "bergline.commit": "c"},
            schema_id=1,
        )
        history = ThinningPlan(remove=(1, 2), tag=(("hour", 3),), untag=("old",))
        request = commit_request(("raw", "t"), state, snapshot, {"a": "b"}, history)
        asked = CommitTableRequest.model_validate_json(request)
        assert (asked.identifier.namespace.root, asked.identifier.name) == (["raw"], "t")
        assert asked.requirements == (
            AssertTableUUID(uuid=state.table_uuid),
            AssertRefSnapshotId(ref="main", snapshot_id=4),
        )
        tag = SetSnapshotRefUpdate(
            ref_name="hour",
            type=SnapshotRefType.TAG,
            snapshot_id=3,
            max_ref_age_ms=HOUR_TAG_MAX_AGE_MS,
            max_snapshot_age_ms=None,
            min_snapshots_to_keep=None,
        )
        added, *others = asked.updates
        assert isinstance(added, AddSnapshotUpdate)
        assert SnapshotEntry.of(added.snapshot) == snapshot
        assert others == [
            reference("main", 5, SnapshotRefType.BRANCH),
            SetPropertiesUpdate(updates={"a": "b"}),
            tag,
            RemoveSnapshotRefUpdate(ref_name="old"),
            RemoveSnapshotsUpdate(snapshot_ids=[1, 2]),
        ]

    def test_a_first_commit_asserts_that_there_is_no_head(self) -> None:
        state = TableState(
            table_uuid="9c12d441-03fe-4693-9a96-a0705ddf69c1", location="s3://warehouse/t"
        )
        snapshot = SnapshotEntry(snapshot_id=5, timestamp_ms=1, sequence_number=1)
        request = commit_request(("raw", "t"), state, snapshot, {}, ThinningPlan())
        assert b'"ref":"main","snapshot-id":null' in request
        assert b"parent-snapshot-id" not in request


class TestWhatIsWritten:
    def test_a_manifest_and_a_list_and_nothing_is_read(
        self, lake: Lake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        handle = lake.handle()
        land(lake, handle, 0)
        before = manifests_on_disk(lake)

        def read(location: str) -> None:
            raise AssertionError(f"{location} is read")

        monkeypatch.setattr(handle.table.io, "new_input", read)
        land(lake, handle, 1)
        assert len(manifests_on_disk(lake) - before) == 2
        assert lake.offsets().total() == 20

    def test_positions_alone_need_a_list_only(self, lake: Lake) -> None:
        handle = lake.handle()
        append(handle, [])
        assert len(manifests_on_disk(lake)) == 1
        assert manifests(lake) == []
        land(lake, handle, 0)
        assert lake.offsets().total() == 10

    def test_several_files_share_a_manifest(self, lake: Lake) -> None:
        handle = lake.handle()
        files = [write_data_file(handle.table, rows(LOG, p, range(3)), None) for p in range(4)]
        append(handle, files)
        (manifest,) = manifests(lake)
        assert (manifest.added_files_count, manifest.added_rows_count) == (4, 12)
        assert lake.offsets().total() == 12

    def test_time_never_goes_back_along_a_history(self, lake: Lake) -> None:
        now = [2_000_000_000.0]
        handle = TableHandle(lake.catalog(), PLAIN, LOG.name, lambda: now[0])
        land(lake, handle, 0)
        now[0] -= 30
        land(lake, handle, 1)
        assert [s.timestamp_ms for s in lake.state.snapshots] == [2_000_000_000_000] * 2

    def test_another_format_version_is_refused_before_anything_is_written(self, lake: Lake) -> None:
        handle = lake.handle()
        table = handle.table
        table.metadata = table.metadata.model_copy(update={"format_version": 1})
        before = manifests_on_disk(lake)
        with pytest.raises(Refused, match="format version 1"):
            handle.stage_change(TableState.of(table.metadata), NOTHING, ThinningPlan())
        assert manifests_on_disk(lake) == before

    def test_a_head_that_is_not_there_is_refused_not_taken_for_an_empty_table(
        self, lake: Lake
    ) -> None:
        handle = lake.handle()
        land(lake, handle, 0)
        before = manifests_on_disk(lake)
        headless = replace(lake.state, snapshots=())
        with pytest.raises(Refused, match="as its head, which is none of its snapshots"):
            handle.stage_change(headless, NOTHING, ThinningPlan())
        assert manifests_on_disk(lake) == before

    def test_a_schema_that_others_change_is_seen_in_the_next_answer(self, lake: Lake) -> None:
        handle = lake.handle()
        land(lake, handle, 0)
        with lake.table.update_schema() as update:
            update.add_column("later", StringType())
        for number in (1, 2):
            land(lake, handle, number)
        assert handle.table.schema() == lake.table.schema()
        assert lake.head.schema_id == lake.metadata.current_schema_id == 1
        assert lake.offsets().total() == 30


class TestMerging:
    def test_as_many_as_the_property_says_become_one(self, lake: Lake) -> None:
        merge_at(lake, 4)
        handle = lake.handle()
        counts = []
        for number in range(12):
            land(lake, handle, number)
            counts.append(len(manifests(lake)))
        assert counts == [1, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2]
        assert sequence_numbers(lake) == list(range(1, 13))
        assert lake.offsets() == {(0, offset): 1 for offset in range(120)}

    def test_what_is_merged_was_written_before_its_commit(self, lake: Lake) -> None:
        """The commit's own manifest stays apart, so no file of ours is never named."""
        merge_at(lake, 2)
        handle = lake.handle()
        for number in range(6):
            land(lake, handle, number)
            mine, *others = manifests(lake)
            assert (mine.added_files_count, mine.existing_files_count) == (1, 0)
            assert all(other.added_files_count == 0 or number == 1 for other in others)
        assert manifests_on_disk(lake) == manifests_named(lake)

    @pytest.mark.parametrize("carried", [True, False], ids=["same writer", "new writer each time"])
    def test_a_merged_manifest_describes_what_is_in_it(self, lake: Lake, carried: bool) -> None:
        merge_at(lake, 3)
        handle = lake.handle()
        for number in range(9):
            land(lake, handle if carried else lake.handle(), number)
        assert len(manifests(lake)) <= 3
        for manifest in manifests(lake):
            entries = manifest.fetch_manifest_entry(lake.table.io)
            total = (manifest.added_files_count or 0) + (manifest.existing_files_count or 0)
            assert total == len(entries)
            counted = (manifest.added_rows_count or 0) + (manifest.existing_rows_count or 0)
            assert counted == sum(entry.data_file.record_count for entry in entries)
            lowest = min(entry.sequence_number or 0 for entry in entries)
            assert manifest.min_sequence_number == lowest
        assert sequence_numbers(lake) == list(range(1, 10))
        assert lake.offsets().total() == 90

    def test_bounds_of_partitions_span_all_that_was_merged(self, tmp_path: Path) -> None:
        lake = Lake(tmp_path, EVERY_TYPE)
        merge_at(lake, 2)
        handle = lake.handle()
        for day in (9, 3, 27, 14, 5, 1):
            rows_ = table_of(EVERY_TYPE, VALUES)
            append(handle, [write_data_file(handle.table, rows_, DAY.replace(day=day))])
        epoch = (DAY.replace(day=1) - DAY.replace(year=1970, month=1, day=1)).days
        merged = manifests(lake)[-1]
        assert merged.partitions is not None
        (summary,) = merged.partitions
        assert int.from_bytes(summary.lower_bound or b"", "little") == epoch + 2
        assert int.from_bytes(summary.upper_bound or b"", "little") == epoch + 26
        assert not summary.contains_null
        found = lake.table.scan("_loaded_at < '2026-02-04T00:00:00+00:00'").plan_files()
        assert len(list(found)) == 2

    def test_it_can_be_switched_off(self, lake: Lake) -> None:
        merge_at(lake, 2, **{"commit.manifest-merge.enabled": "false"})
        handle = lake.handle()
        for number in range(5):
            land(lake, handle, number)
        assert len(manifests(lake)) == 5

    def test_large_manifests_are_left_alone(self, lake: Lake) -> None:
        merge_at(lake, 2, **{"commit.manifest.target-size-bytes": "1"})
        handle = lake.handle()
        for number in range(5):
            land(lake, handle, number)
        assert len(manifests(lake)) == 5

    def test_a_property_that_is_no_number_stops_the_commit(self, lake: Lake) -> None:
        with pytest.raises(ValueError, match="min-count-to-merge"):
            MergePolicy.of({"commit.manifest.min-count-to-merge": "some"})

    def test_without_manifests_there_is_nothing_to_merge(self) -> None:
        assert bins([], MergePolicy(True, 2, 1)) == []


def test_another_implementation_of_avro_reads_them(lake: Lake) -> None:
    merge_at(lake, 3)
    handle = lake.handle()
    for number in range(7):
        land(lake, handle, number)
    lists = pl.read_avro(lake.head.manifest_list.removeprefix("file://"))
    found = pl.concat(pl.read_avro(path.removeprefix("file://")) for path in lists["manifest_path"])
    assert found["data_file"].struct.field("record_count").to_list() == [10] * 7
    assert lists.select(pl.sum("added_files_count") + pl.sum("existing_files_count")).item() == 7


class TestWithOthers:
    """PyIceberg appends after us and we after it, merging or not."""

    @pytest.mark.parametrize("count", [2, 3, 100])
    def test_in_turns(self, lake: Lake, count: int) -> None:
        merge_at(lake, count)
        handle = lake.handle()
        for number in range(6):
            land(lake, handle, number)
            lake.foreign_append(offset=number)
        assert lake.offsets() == {(0, o): 1 for o in range(60)} | {(99, o): 1 for o in range(6)}
        assert sequence_numbers(lake) == list(range(1, 13))
        assert len(manifests(lake)) <= count + 1
        assert lake.head.summary["total-records"] == "66"

    def test_deletes_of_others_stay(self, lake: Lake) -> None:
        merge_at(lake, 2)
        handle = lake.handle()
        land(lake, handle, 0)
        file = next(iter(lake.table.scan().plan_files())).file
        delete_positions(lake.table, file, [0, 3])
        for number in range(1, 5):
            land(lake, handle, number)
        kinds = [each.content for each in manifests(lake)]
        assert kinds.count(ManifestContent.DELETES) == 1
        assert lake.offsets() == {(0, o): 1 for o in range(50) if o not in (0, 3)}
        assert sequence_numbers_of_deletes(lake) == [2]

    def test_rewrites_of_others_stay(self, lake: Lake) -> None:
        merge_at(lake, 2)
        handle = lake.handle()
        for number in range(3):
            land(lake, handle, number)
        lake.foreign_delete("_offset < 15")
        for number in range(3, 6):
            land(lake, handle, number)
        assert lake.offsets() == {(0, o): 1 for o in range(15, 60)}


def sequence_numbers_of_deletes(lake: Lake) -> list[int]:
    return [m.sequence_number for m in manifests(lake) if m.content is ManifestContent.DELETES]
