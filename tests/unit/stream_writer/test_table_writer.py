"""Work becomes one snapshot: what is covered is left out, what would be skipped is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyiceberg.exceptions import ForbiddenError

from services.stream_writer.buffer import Work
from services.stream_writer.landing import PartitionsBehind, PositionsLost, tail_of
from services.stream_writer.table_writer import TableWriter
from shared.contracts.envelope import MAY_REPEAT
from shared.lake.announcements import table_committed
from shared.lake.commit import Outcome, Result
from shared.lake.position import Stretch, Tail
from shared.runtime.errors import Refused, Unavailable
from tests.support.batches import batch, record, work
from tests.support.faulty_catalog import (
    Fault,
    FaultyCatalog,
    after,
    answers,
    conflict,
    late,
    lost_response,
)
from tests.support.lake import EVENTS, TOPIC, Lake
from tests.support.records import FetchedRecord


class Writer(TableWriter):
    """A table's writer whose catalog can be made to fail."""

    def __init__(self, lake: Lake, patience_s: float = 60.0) -> None:
        self.catalog: FaultyCatalog = lake.catalog()
        super().__init__(lake.handle(self.catalog), EVENTS, 600.0, patience_s)

    def land(self, offered: Work, *faults: Fault) -> Outcome:
        self.catalog.faults.extend(faults)
        return self.write(self.prepare(offered), None)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path, EVENTS)


@pytest.fixture
def writer(lake: Lake) -> Writer:
    """A writer whose table holds offsets 0 to 9 of partition 0."""
    found = Writer(lake)
    found.first_seen[TOPIC, 0] = 0
    found.land(work(batch(0, 10)))
    return found


def landed(partition: int, *offsets: range) -> dict[tuple[int, int], int]:
    return {(partition, offset): 1 for each in offsets for offset in each}


class TestTrimming:
    def test_contiguous_work_is_landed_whole(self, lake: Lake, writer: Writer) -> None:
        outcome = writer.land(work(batch(10, 15), batch(15, 20)))
        assert outcome.result is Result.COMMITTED
        assert lake.offsets() == landed(0, range(20))
        assert lake.head.summary["bergline.rows"] == "10"
        assert lake.head.summary["bergline.writer"] == "stream_writer"

    def test_covered_work_is_left_out(self, lake: Lake, writer: Writer) -> None:
        head = lake.head
        assert writer.land(work(batch(3, 10))).result is Result.NOTHING
        assert lake.head == head

    def test_overlapping_work_is_trimmed_at_the_tables_position(
        self, lake: Lake, writer: Writer
    ) -> None:
        writer.land(work(batch(5, 12), batch(12, 15)))
        assert lake.offsets() == landed(0, range(15))
        assert lake.head.summary["bergline.rows"] == "5"

    def test_partitions_are_trimmed_each_for_itself(self, lake: Lake, writer: Writer) -> None:
        writer.first_seen[TOPIC, 1] = 100
        writer.land(work(batch(8, 14), batch(100, 103, 1)))
        writer.land(work(batch(0, 14), batch(102, 110, 1)))
        assert lake.offsets() == landed(0, range(14)) | landed(1, range(100, 110))

    def test_offsets_without_a_record_are_stated_as_gaps(self, lake: Lake, writer: Writer) -> None:
        writer.land(work(batch(8, 20, missing=(9, 12, 13, 19))))
        assert lake.positions.partitions[TOPIC, 0].stretches == (Stretch(0, 20, 17, 3, 0),)

    def test_a_batch_without_records_moves_the_position_and_writes_no_file(
        self, lake: Lake, writer: Writer
    ) -> None:
        writer.land(work(batch(10, 13, missing=range(10, 13))))
        assert lake.positions.next_offset(TOPIC, 0) == 13
        assert lake.positions.tail(TOPIC, 0) == tail_of(record(0, 9))
        assert "added-data-files" not in lake.head.summary
        assert lake.offsets() == landed(0, range(10))

    def test_bad_records_are_rows_and_counted_where_they_are_landed(
        self, lake: Lake, writer: Writer
    ) -> None:
        writer.first_seen[TOPIC, 1] = 0
        writer.land(work(batch(8, 14, bad=(8, 9, 10, 12)), batch(0, 3, 1, bad=(1,))))
        ledger = lake.positions.partitions
        assert [s.errors for s in ledger[TOPIC, 0].stretches] == [2]
        assert [s.errors for s in ledger[TOPIC, 1].stretches] == [1]
        assert lake.head.summary["bergline.errors"] == "3"
        assert lake.offsets() == landed(0, range(14)) | landed(1, range(3))

    def test_the_last_record_is_remembered(self, lake: Lake, writer: Writer) -> None:
        writer.land(work(batch(10, 15, missing=(14,))))
        assert lake.positions.tail(TOPIC, 0) == Tail(13, "delivery-0-13", 1_767_323_046_013)

    def test_a_header_may_be_null(self, lake: Lake, writer: Writer) -> None:
        last = replace(record(0, 10), timestamp=5, headers=(("delivery_id", None),))
        offered = work(replace(batch(10, 11), records=[last]))
        writer.land(offered)
        assert lake.positions.tail(TOPIC, 0) == Tail(10, None, 5)
        assert writer.land(offered).result is Result.NOTHING

    def test_all_batches_and_partitions_share_one_snapshot_and_file(
        self, lake: Lake, writer: Writer
    ) -> None:
        writer.first_seen[TOPIC, 1] = 0
        before = len(lake.metadata.snapshots)
        writer.land(work(batch(10, 12), batch(12, 15), batch(0, 4, 1), batch(4, 9, 1)))
        assert len(lake.metadata.snapshots) == before + 1
        assert lake.head.summary["added-data-files"] == "1"


class TestAnnounced:
    def test_the_snapshot_alone_tells_when_its_oldest_delivery_was_accepted(
        self, lake: Lake, writer: Writer
    ) -> None:
        fetched = batch(8, 13)
        receipts = {8: b"09:00:00", 9: b"09:30:00", 10: b"12:00:05", 11: b"12:00:02"}
        records = [
            replace(each, headers=(*each.headers, ("received_at", b"2026-11-26T%sZ" % at)))
            if (at := receipts.get(each.offset))
            else each
            for each in fetched.records
        ]
        outcome = writer.land(work(replace(fetched, records=records)))
        assert outcome.snapshot is not None
        told = table_committed(EVENTS.name, lake.state, outcome.snapshot)
        assert told.oldest_received_at == datetime(2026, 11, 26, 12, 0, 2, tzinfo=UTC)
        assert told.snapshots == 2


class TestFirstSeen:
    def test_a_partition_never_seen_begins_at_its_logs_start(self, lake: Lake) -> None:
        writer = Writer(lake)
        writer.first_seen[TOPIC, 0] = 7
        writer.land(work(batch(7, 9)))
        assert lake.positions.partitions[TOPIC, 0].stretches == (Stretch(7, 9, 2),)

    def test_a_partition_never_seen_does_not_begin_by_itself(self, lake: Lake) -> None:
        with pytest.raises(PartitionsBehind) as behind:
            Writer(lake).land(work(batch(0, 5)))
        assert behind.value.partitions == {(TOPIC, 0)}

    def test_nothing_but_its_logs_start_may_be_its_first(self, lake: Lake) -> None:
        """What was read first may not have been landed: what follows must not take its place."""
        writer = Writer(lake)
        writer.first_seen[TOPIC, 0] = 0
        with pytest.raises(PartitionsBehind):
            writer.land(work(batch(10, 20)))
        assert not lake.metadata.snapshots

    def test_once_landed_it_is_no_news_any_more(self, lake: Lake, writer: Writer) -> None:
        """Its positions taken away by a rollback, it must be settled again, not assumed."""
        writer.land(work(batch(10, 20)))
        lake.remove_main()
        with pytest.raises(PositionsLost):
            writer.land(work(batch(0, 5)))


class TestBehind:
    def test_nothing_is_committed_when_one_partition_would_be_skipped(
        self, lake: Lake, writer: Writer
    ) -> None:
        head = lake.head
        writer.first_seen[TOPIC, 1] = 0
        with pytest.raises(PartitionsBehind, match=rf"^{TOPIC}/0$") as behind:
            writer.land(work(batch(11, 20), batch(0, 5, 1)))
        assert behind.value.partitions == {(TOPIC, 0)}
        assert lake.head == head

    def test_a_rollback_between_load_and_send_is_noticed(self, lake: Lake, writer: Writer) -> None:
        first = lake.head.snapshot_id
        writer.land(work(batch(10, 20)))
        with pytest.raises(PartitionsBehind):
            writer.land(work(batch(20, 30)), after(lambda: lake.roll_back(first)))
        writer.land(work(batch(10, 30)))
        assert lake.offsets() == landed(0, range(30))

    def test_an_overlap_with_another_log_is_not_trimmed(self, lake: Lake, writer: Writer) -> None:
        """Where the table's last record stood, what was read holds another one."""
        fetched = batch(5, 15)
        other = [replace(each, headers=(("delivery_id", b"new"),)) for each in fetched.records]
        with pytest.raises(PartitionsBehind):
            writer.land(work(replace(fetched, records=other)))
        assert lake.offsets() == landed(0, range(10))

    def test_a_table_without_positions_is_not_consumed(self, tmp_path: Path) -> None:
        lake = Lake(tmp_path / "other", EVENTS)
        writer = Writer(lake)
        first = writer.prepare(work(batch(0, 5)))
        lake.others.load_table("raw.events").append(first.rows)
        writer.first_seen[TOPIC, 0] = 0
        with pytest.raises(PositionsLost, match=r"raw\.events"):
            writer.write(first, None)
        assert writer.positions() is None


class TestTriedAgain:
    def test_the_same_work_is_landed_once(self, lake: Lake) -> None:
        writer = Writer(lake, patience_s=0)
        writer.first_seen[TOPIC, 0] = 0
        prepared = writer.prepare(work(batch(0, 10)))
        writer.catalog.faults.append(lost_response)
        with pytest.raises(Unavailable):
            writer.write(prepared, None)
        assert writer.write(prepared, None).result is Result.FOUND
        assert lake.offsets() == landed(0, range(10))

    def test_a_conflict_does_not_write_the_file_again(self, lake: Lake, writer: Writer) -> None:
        before = data_files(lake)
        writer.land(work(batch(10, 20)), conflict, conflict)
        assert len(data_files(lake)) == len(before) + 1

    def test_files_of_an_unknown_attempt_are_not_named_by_a_later_call(self, lake: Lake) -> None:
        writer = Writer(lake, patience_s=0)
        writer.first_seen[TOPIC, 0] = 0
        prepared = writer.prepare(work(batch(0, 10)))
        writer.catalog.faults.append(late)
        with pytest.raises(Unavailable):
            writer.write(prepared, None)
        unknown = data_files(lake)
        writer.write(prepared, None)
        named = {Path(task.file.file_path).name for task in lake.table.scan().plan_files()}
        assert not named & unknown
        assert writer.catalog.deliver_held() == 0
        assert lake.offsets() == landed(0, range(10))

    def test_what_another_writer_landed_meanwhile_is_trimmed(
        self, lake: Lake, writer: Writer
    ) -> None:
        other = Writer(lake)
        writer.land(work(batch(10, 20)), after(lambda: other.land(work(batch(10, 14)))))
        assert lake.offsets() == landed(0, range(20))

    def test_a_first_partition_stays_first_until_it_is_landed(self, lake: Lake) -> None:
        writer = Writer(lake)
        writer.first_seen[TOPIC, 0] = 0
        with pytest.raises(Refused):
            writer.land(work(batch(0, 10)), answers(ForbiddenError("no")))
        assert writer.land(work(batch(0, 10))).result is Result.COMMITTED


class TestReplays:
    def test_the_same_delivery_at_another_offset_is_marked(
        self, lake: Lake, writer: Writer
    ) -> None:
        again = replace(record(0, 3), offset=11)
        offered = replace(batch(10, 12), records=[record(0, 10), again])
        prepared = writer.prepare(work(offered))
        assert prepared.replayed == 1
        writer.write(prepared, None)
        assert replayed(lake) == {11}

    def test_reading_the_same_record_again_is_no_replay(self, lake: Lake, writer: Writer) -> None:
        assert writer.prepare(work(batch(0, 10))).replayed == 0

    def test_a_new_writer_learns_from_the_table(self, lake: Lake, writer: Writer) -> None:
        other = Writer(lake)
        other.warm_up()
        assert len(other.replays) == 10
        offered = replace(batch(10, 11), records=[replace(record(0, 3), offset=10)])
        other.write(other.prepare(work(offered)), None)
        assert replayed(lake) == {10}

    def test_it_learns_the_newest_files_when_there_are_too_many(
        self, lake: Lake, writer: Writer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("services.stream_writer.table_writer.WARM_UP_FILES", 2)
        for start in (10, 20, 30):
            writer.land(work(batch(start, start + 10)))
        other = Writer(lake)
        other.warm_up()
        assert len(other.replays) == 20
        assert other.prepare(work(batch(40, 41))).replayed == 0
        again = [replace(record(0, known), offset=41) for known in (25, 5)]
        offered = [replace(batch(41, 42), records=[row]) for row in again]
        assert [other.prepare(work(each)).replayed for each in offered] == [1, 0]


class TestRedeliveries:
    """Vendors repeat events: kept, and counted when they are committed."""

    def test_an_event_that_is_there_already_is_counted_and_kept(
        self, lake: Lake, writer: Writer
    ) -> None:
        first = writer.prepare(
            work(replace(batch(10, 12), records=[event("a", 10), event("b", 11)]))
        )
        writer.write(first, None)
        again = writer.prepare(
            work(replace(batch(12, 14), records=[event("a", 12), event("c", 13)]))
        )
        assert again.redelivered == 0, "not before it is committed"
        writer.write(again, None)
        assert (first.redelivered, again.redelivered) == (0, 1)
        assert replayed(lake) == set()
        assert lake.offsets() == landed(0, range(14))

    def test_a_new_writer_learns_from_the_table(self, lake: Lake, writer: Writer) -> None:
        writer.land(work(replace(batch(10, 11), records=[event("a", 10)])))
        other = Writer(lake)
        other.warm_up()
        again = other.prepare(work(replace(batch(11, 12), records=[event("a", 11)])))
        other.write(again, None)
        assert again.redelivered == 1

    def test_what_is_read_again_is_not_counted_twice(self, lake: Lake, writer: Writer) -> None:
        offered = work(replace(batch(10, 11), records=[event("a", 10)]))
        for each in (writer, writer):
            prepared = each.prepare(offered)
            each.write(prepared, None)
            assert prepared.redelivered == 0


class TestRepeatsWhoeverRemembers:
    """A spool says of a record that it may have sent it before; then the table is asked."""

    def test_a_repeat_is_marked_by_a_writer_that_remembers_nothing(
        self, lake: Lake, writer: Writer
    ) -> None:
        other = Writer(lake)
        offered = replace(batch(10, 12), records=[again(3, 10), again(99, 11)])
        prepared = other.prepare(work(offered))
        assert prepared.replayed == 0
        other.write(prepared, None)
        assert prepared.replayed == 1
        assert replayed(lake) == {10}

    def test_without_the_word_of_its_sender_it_is_not_looked_for(
        self, lake: Lake, writer: Writer
    ) -> None:
        other = Writer(lake)
        prepared = other.prepare(work(replace(batch(10, 11), records=[record(0, 10)])))
        assert prepared.doubtful is None

    def test_read_again_it_is_marked_again(self, lake: Lake, writer: Writer) -> None:
        """The partition was lost before the commit, and came back."""
        other = Writer(lake)
        offered = work(replace(batch(10, 11), records=[again(3, 10)]))
        with pytest.raises(Refused):
            other.land(offered, answers(ForbiddenError("no")))
        other.land(offered)
        assert replayed(lake) == {10}

    def test_of_repeats_in_one_batch_all_are_marked(self, lake: Lake, writer: Writer) -> None:
        other = Writer(lake)
        other.land(work(replace(batch(10, 12), records=[again(3, 10), again(3, 11)])))
        assert replayed(lake) == {10, 11}

    def test_the_first_one_is_not_marked(self, lake: Lake, writer: Writer) -> None:
        other = Writer(lake)
        other.land(work(replace(batch(10, 12), records=[again(50, 10), again(50, 11)])))
        assert replayed(lake) == {11}

    def test_what_is_landed_already_is_no_repeat_of_itself(
        self, lake: Lake, writer: Writer
    ) -> None:
        writer.land(work(replace(batch(10, 11), records=[again(50, 10)])))
        prepared = (other := Writer(lake)).prepare(
            work(replace(batch(10, 12), records=[again(50, 10), again(51, 11)]))
        )
        other.write(prepared, None)
        assert prepared.replayed == 0
        assert lake.offsets() == landed(0, range(12))
        assert replayed(lake) == set()

    def test_a_record_without_a_delivery_id_is_no_repeat(self, lake: Lake, writer: Writer) -> None:
        nameless = replace(record(0, 10), headers=((MAY_REPEAT, b"1"),))
        writer.land(work(replace(batch(10, 11), records=[nameless])))
        assert replayed(lake) == set()


def event(event_id: str, offset: int) -> FetchedRecord:
    """A delivery of an event."""
    known = record(0, offset)
    headers = (*known.headers, ("ce_id", event_id.encode()), ("ce_type", b"made"))
    return replace(known, headers=headers)


def again(delivery: int, offset: int) -> FetchedRecord:
    """The delivery of one offset at another, as its sender repeats it."""
    known = record(0, delivery)
    return replace(known, offset=offset, headers=(*known.headers, (MAY_REPEAT, b"1")))


def replayed(lake: Lake) -> set[int]:
    rows = lake.table.scan("_replayed = true", ("_offset",)).to_arrow()
    return set(rows["_offset"].to_pylist())


def data_files(lake: Lake) -> set[str]:
    return {path.name for path in lake.files() if path.suffix == ".parquet"}
