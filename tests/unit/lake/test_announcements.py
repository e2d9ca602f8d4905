"""Snapshots as events, and which of them are still to be announced."""

from __future__ import annotations

from pathlib import Path

from pyiceberg.table.update import RemoveSnapshotsUpdate

from shared.contracts.tables import SourcePosition
from shared.lake.announcements import table_committed, unannounced
from shared.lake.commit import commit
from tests.support.derived_lake import DerivedLake, origin
from tests.support.lake import TOPIC, Batch, Lake


def land(lake: Lake, start: int, end: int) -> None:
    handle = lake.handle()
    commit(handle, Batch(handle, start, end).decide, commit_id=f"c{start}", writer="test")


def numbers(lake: Lake, after: int = 0) -> list[int]:
    return [event.sequence_number for event in unannounced("raw.log", lake.state, after)]


def test_the_event_tells_what_the_snapshot_did(lake: Lake) -> None:
    land(lake, 0, 10)
    first = lake.head
    land(lake, 10, 13)
    state = lake.state
    event = table_committed("raw.log", state, lake.head)
    assert (event.table, event.uuid) == ("raw.log", state.table_uuid)
    assert (event.snapshot_id, event.parent_snapshot_id) == (
        lake.head.snapshot_id,
        first.snapshot_id,
    )
    assert (event.operation, event.writer, event.commit_id) == ("append", "test", "c10")
    assert event.offsets == {TOPIC: {0: 13}}
    assert (event.added_rows, event.added_files) == (3, 1)
    assert (event.total_rows, event.total_files) == (13, 2)
    assert event.committed_at.timestamp() * 1000 == lake.head.timestamp_ms
    assert event.added_bytes > 0
    assert event.total_bytes is not None
    assert event.total_bytes > event.added_bytes


def test_a_foreign_snapshot_is_announced_without_what_it_does_not_say(lake: Lake) -> None:
    land(lake, 0, 10)
    event = table_committed("raw.log", lake.state, lake.foreign_append())
    assert (event.writer, event.commit_id, event.offsets) == (None, None, {})
    assert event.total_rows == 11


def test_a_derived_table_says_what_it_is_built_from(tmp_path: Path) -> None:
    lake = DerivedLake(tmp_path)
    lake.build(dict.fromkeys(range(10), 0))
    lake.build({3: 1, 20: 1}, remove={4})
    event = table_committed("core.orders", lake.state, lake.head)
    cut = origin(2).sources["raw.log"]
    assert event.sources == {
        "raw.log": SourcePosition(
            uuid=cut.uuid, snapshot_id=cut.snapshot_id, sequence_number=cut.sequence_number
        )
    }
    assert event.complete == {TOPIC: {0: 20}}
    assert event.offsets == {}
    assert event.operation == "overwrite"
    assert (event.added_rows, event.total_rows) == (2, 10)


def test_an_empty_table_has_nothing_to_announce(lake: Lake) -> None:
    assert numbers(lake) == []


def test_what_is_above_the_last_announced_is_told_oldest_first(lake: Lake) -> None:
    for start in range(0, 50, 10):
        land(lake, start, start + 10)
    assert numbers(lake) == [1, 2, 3, 4, 5]
    assert numbers(lake, after=3) == [4, 5]
    assert numbers(lake, after=5) == []


def test_after_a_rollback_only_the_next_commit_is_new(lake: Lake) -> None:
    for start in range(0, 30, 10):
        land(lake, start, start + 10)
    lake.roll_back(lake.metadata.snapshots[0].snapshot_id)
    assert numbers(lake, after=3) == []
    land(lake, 10, 20)
    assert numbers(lake, after=3) == [4]


def test_what_was_rolled_back_is_not_announced(lake: Lake) -> None:
    for start in range(0, 30, 10):
        land(lake, start, start + 10)
    lake.roll_back(lake.metadata.snapshots[0].snapshot_id)
    land(lake, 10, 20)
    assert numbers(lake) == [1, 4]


def test_what_was_thinned_away_ends_the_walk(lake: Lake) -> None:
    for start in range(0, 50, 10):
        land(lake, start, start + 10)
    removed = lake.metadata.snapshots[2]
    lake.update(RemoveSnapshotsUpdate(snapshot_ids=[removed.snapshot_id]))
    assert numbers(lake) == [4, 5]
