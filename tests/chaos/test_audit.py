"""The audit finds what it is there to find: a world in order, then one thing wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest

from shared.contracts.topics import DEAD_LETTERS
from tests.chaos.audit import Evidence, audit

Record = dict[str, Any]
TABLE, TOPIC = "raw.shopify_orders", "shopify.orders"
COMMITS = 4
ROWS_EACH = 3


@dataclass
class World:
    """One table of one partition, filled by four commits of three rows each."""

    ledger: list[Record] = field(default_factory=list)
    rows: list[Record] = field(default_factory=list)
    logs: list[Record] = field(default_factory=list)
    snapshots: list[Record] = field(default_factory=list)
    positions: list[Record] = field(default_factory=list)
    announcements: list[Record] = field(default_factory=list)

    def evidence(self) -> Evidence:
        return Evidence(
            ledger=pa.Table.from_pylist(self.ledger),
            rows=pa.Table.from_pylist(self.rows),
            logs=pa.Table.from_pylist(self.logs),
            snapshots=pa.Table.from_pylist(self.snapshots),
            positions=pa.Table.from_pylist(self.positions),
            announcements=pa.Table.from_pylist(self.announcements),
        )

    def found(self) -> set[str]:
        """Rules that do not hold."""
        return {violation.rule for violation in audit(self.evidence())}


@pytest.fixture
def world() -> World:
    made = World()
    for number in range(COMMITS * ROWS_EACH):
        event = {"event_id": f"event {number}", "event_type": "orders/create", "topic": TOPIC}
        delivery = {"delivery_id": f"delivery {number}"}
        answers = {"accepted": True, "attempts": 1, "unanswered": 0}
        made.ledger.append(event | delivery | answers | {"body_md5": f"md5 of {number}"})
        place = {"table_name": TABLE, "partition": 0, "offset": number}
        content = {"payload_md5": f"md5 of {number}", "error": None, "replayed": False}
        made.rows.append(event | delivery | place | content)
    for sequence in range(1, COMMITS + 1):
        commit = {"table_name": TABLE, "sequence": sequence, "snapshot_id": 100 + sequence}
        parent = 100 + sequence - 1 if sequence > 1 else None
        made.snapshots.append(
            commit
            | {"parent_id": parent, "operation": "append", "added_rows": ROWS_EACH}
            | {"deleted_rows": 0, "total_rows": sequence * ROWS_EACH}
        )
        made.announcements.append(commit | {"place": sequence})
        at = {"topic": TOPIC, "partition": 0, "next": sequence * ROWS_EACH}
        made.positions.append({"table_name": TABLE, "sequence": sequence} | at)
    made.logs.append(
        {
            "table_name": TABLE,
            "topic": TOPIC,
            "partition": 0,
            "log_start": 0,
            "log_end": COMMITS * ROWS_EACH,
        }
    )
    made.logs.append(made.logs[0] | {"topic": DEAD_LETTERS, "table_name": "dlq", "log_end": 0})
    return made


def test_a_world_in_order_breaks_no_rule(world: World) -> None:
    assert world.found() == set()


def test_a_lost_row(world: World) -> None:
    del world.rows[5]
    assert world.found() == {
        "an acknowledged delivery is a row",
        "an acknowledged event is there",
        "rows are the offsets of the log",
    }


def test_a_row_twice(world: World) -> None:
    world.rows.append(dict(world.rows[5]))
    assert world.found() >= {
        "a delivery is one row",
        "an offset is one row",
        "rows are the offsets of the log",
        "a row was sent by somebody",
    }


def test_a_lost_row_behind_a_row_twice(world: World) -> None:
    """Counts alone would agree."""
    world.rows[5] = dict(world.rows[6])
    assert world.found() >= {"an acknowledged delivery is a row", "an offset is one row"}


def test_a_delivery_at_two_offsets(world: World) -> None:
    world.rows[5]["delivery_id"] = world.rows[6]["delivery_id"]
    assert "a delivery is one row" in world.found()


def test_what_ingest_sent_once_more_is_marked(world: World) -> None:
    """Its spool repeats what a crash left open: the same delivery, so no further attempt."""
    world.rows.append(world.rows[5] | {"offset": 12, "replayed": True})
    world.logs[0]["log_end"] = 13
    world.positions[-1]["next"] = 13
    world.snapshots[-1]["added_rows"] += 1
    assert world.found() == set()
    world.rows[-1]["replayed"] = False
    assert world.found() == {"a delivery is one row", "a row was sent by somebody"}


def test_an_attempt_without_an_answer_may_be_a_row_of_its_own(world: World) -> None:
    world.ledger[5] |= {"delivery_id": "a later delivery", "attempts": 2, "unanswered": 1}
    world.rows.append(world.rows[5] | {"delivery_id": "a later delivery", "offset": 12})
    world.logs[0]["log_end"] = 13
    world.positions[-1]["next"] = 13
    world.snapshots[-1]["added_rows"] += 1
    assert world.found() == set()


def test_more_rows_than_attempts(world: World) -> None:
    world.rows[5]["event_id"] = world.ledger[5]["event_id"] = "event 6"
    world.ledger[6]["attempts"] = 0
    assert world.found() == {"a row was sent by somebody"}


def test_a_row_that_nobody_sent(world: World) -> None:
    world.rows[5] |= {"event_id": "unheard of", "delivery_id": "unheard of"}
    assert "a row was sent by somebody" in world.found()


@pytest.mark.parametrize("column", ["payload_md5", "event_type", "event_id", "topic"])
def test_a_row_with_another_content(world: World, column: str) -> None:
    world.rows[5][column] = "something else"
    assert "a row holds what was sent" in world.found()


def test_a_row_with_an_error(world: World) -> None:
    world.rows[5]["error"] = "not JSON"
    assert world.found() == {"no row is an error"}


def test_a_dead_letter(world: World) -> None:
    world.logs[1]["log_end"] = 1
    assert "no dead letter was written" in world.found()


def test_a_delivery_that_was_never_accepted(world: World) -> None:
    world.ledger[5] |= {"accepted": False, "delivery_id": None}
    assert world.found() == {"every delivery was accepted in the end"}


def test_a_record_that_is_in_no_table(world: World) -> None:
    world.logs[0]["log_end"] += 1
    assert world.found() == {
        "rows are the offsets of the log",
        "a position is where its log ends",
    }


def test_a_partition_without_a_position(world: World) -> None:
    world.logs.append(world.logs[0] | {"partition": 1, "log_end": 1})
    assert "a position is where its log ends" in world.found()


def test_a_position_without_a_partition(world: World) -> None:
    world.positions.append(world.positions[-1] | {"partition": 9})
    assert "a position is where its log ends" in world.found()


def test_a_position_that_goes_back(world: World) -> None:
    world.positions[1]["next"], world.positions[2]["next"] = 9, 6
    assert "a position never goes back" in world.found()


def test_a_position_that_is_gone(world: World) -> None:
    del world.positions[2]
    assert "a position never goes back" in world.found()


def test_a_snapshot_that_adds_other_rows_than_it_says(world: World) -> None:
    world.snapshots[2]["added_rows"] += 1
    assert world.found() == {"a snapshot adds the rows its positions advance"}


def test_a_snapshot_on_another_parent(world: World) -> None:
    world.snapshots[2]["parent_id"] = 101
    assert world.found() == {"a snapshot stands on the one before"}


@pytest.fixture
def compacted(world: World) -> World:
    """A fifth commit moves rows."""
    moved = {"operation": "replace", "added_rows": 9, "deleted_rows": 9, "parent_id": 104}
    commit = {"sequence": COMMITS + 1, "snapshot_id": 105}
    world.snapshots.append(world.snapshots[-1] | commit | moved)
    world.positions.append(world.positions[-1] | {"sequence": COMMITS + 1})
    world.announcements.append(world.announcements[-1] | commit | {"place": COMMITS + 1})
    return world


def test_a_compaction_is_no_violation(compacted: World) -> None:
    assert compacted.found() == set()


@pytest.mark.parametrize("column", ["added_rows", "total_rows"])
def test_a_compaction_that_loses_a_row(compacted: World, column: str) -> None:
    compacted.snapshots[-1][column] -= 1
    assert compacted.found() == {"a replace moves rows and brings none"}


def test_a_compaction_that_moves_a_position(compacted: World) -> None:
    compacted.positions[-1]["next"] += 1
    assert compacted.found() >= {"a replace moves no position"}


def test_a_compaction_that_forgets_the_positions(compacted: World) -> None:
    del compacted.positions[-1]
    assert compacted.found() >= {"a replace moves no position", "a position never goes back"}


def test_rows_that_a_snapshot_deletes(world: World) -> None:
    world.snapshots[2]["operation"] = "overwrite"
    assert world.found() == {"a snapshot appends or replaces"}


@pytest.mark.parametrize("sequence", range(1, COMMITS + 1))
def test_a_missing_announcement(world: World, sequence: int) -> None:
    world.announcements.pop(sequence - 1)
    assert world.found() == {"a commit is announced"}


def test_a_commit_that_was_thinned_away_must_have_been_announced_too(world: World) -> None:
    for witness in (world.snapshots, world.positions, world.announcements):
        del witness[1]
    assert world.found() == {"a commit is announced"}


def test_announcements_in_another_order(world: World) -> None:
    world.announcements[1]["place"], world.announcements[2]["place"] = 3, 2
    assert world.found() == {"commits are announced in order"}


def test_an_announcement_again_is_no_fault(world: World) -> None:
    world.announcements.append(world.announcements[1] | {"place": 9})
    assert world.found() == set()


def test_an_announcement_of_another_snapshot(world: World) -> None:
    world.announcements[2]["snapshot_id"] = 999
    assert world.found() == {"an announcement is about a commit"}


def test_an_announcement_before_its_commit(world: World) -> None:
    world.announcements.append({"table_name": TABLE, "sequence": 5, "snapshot_id": 105, "place": 9})
    assert world.found() == {"an announcement is about a commit"}
