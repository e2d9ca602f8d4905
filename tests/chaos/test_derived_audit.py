"""The audit of derived tables finds what it is there to find: a world in order, then one thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest

from tests.chaos.derived_audit import RULES, DerivedEvidence, audit

Record = dict[str, Any]
TABLE, SOURCE, TOPIC = "core.orders", "staging.stg_shopify_orders", "shopify.orders"
BUILDS = 4
ROWS_EACH = 10


@dataclass
class World:
    """One derived table, built four times from one input."""

    builds: list[Record] = field(default_factory=list)
    complete: list[Record] = field(default_factory=list)
    cuts: list[Record] = field(default_factory=list)
    ends: list[Record] = field(default_factory=list)
    deleted: list[Record] = field(default_factory=list)
    comparisons: list[Record] = field(default_factory=list)
    announcements: list[Record] = field(default_factory=list)

    def found(self) -> set[str]:
        """Rules that do not hold."""
        evidence = DerivedEvidence(
            builds=pa.Table.from_pylist(self.builds),
            complete=pa.Table.from_pylist(self.complete),
            cuts=pa.Table.from_pylist(self.cuts),
            ends=pa.Table.from_pylist(self.ends),
            deleted=pa.Table.from_pylist(self.deleted),
            comparisons=pa.Table.from_pylist(self.comparisons),
            announcements=pa.Table.from_pylist(self.announcements),
        )
        return {violation.rule for violation in audit(evidence)}


@pytest.fixture
def world() -> World:
    made = World()
    for sequence in range(1, BUILDS + 1):
        commit = {"table_name": TABLE, "sequence": sequence, "snapshot_id": 100 + sequence}
        made.announcements.append(commit)
        made.builds.append(
            commit
            | {"parent_id": 100 + sequence - 1 if sequence > 1 else None}
            | {"commit_id": f"build {sequence}", "operation": "overwrite", "as_of": "2026-06-01"}
            | {"committed_ms": 1000 * sequence}
        )
        place = {"table_name": TABLE, "sequence": sequence}
        at = {"topic": TOPIC, "partition": 0, "next": sequence * ROWS_EACH}
        made.complete.append(place | at)
        made.cuts.append(place | {"source": SOURCE, "uuid": "u", "source_sequence": sequence})
        made.deleted.append({"table_name": TABLE, "file_path": "a.parquet", "pos": sequence})
    end = {"table_name": TABLE, "topic": TOPIC, "partition": 0, "log_end": BUILDS * ROWS_EACH}
    made.ends += [end, end | {"partition": 1, "log_end": 0}]
    made.comparisons.append(
        {"table_name": TABLE, "rows": 30, "expected": 30, "missing": 0, "unasked": 0}
    )
    return made


def test_a_world_in_order_breaks_no_rule(world: World) -> None:
    assert world.found() == set()


def test_a_table_that_was_never_built(world: World) -> None:
    world.ends.append(world.ends[0] | {"table_name": "marts.nothing"})
    assert world.found() == {
        "a derived table was built and compared",
        "a derived table is complete up to the log ends",
    }


def test_a_table_that_was_not_compared(world: World) -> None:
    world.comparisons[0]["table_name"] = "another"
    assert world.found() == {"a derived table was built and compared"}


def test_a_table_that_does_not_catch_up(world: World) -> None:
    world.ends[0]["log_end"] += 1
    assert world.found() == {"a derived table is complete up to the log ends"}


def test_a_partition_that_a_table_has_not_seen(world: World) -> None:
    world.ends[1]["log_end"] = 1
    assert world.found() == {"a derived table is complete up to the log ends"}


@pytest.mark.parametrize("how", ["missing", "unasked"])
def test_a_row_that_differs(world: World, how: str) -> None:
    world.comparisons[0][how] = 1
    assert world.found() == {"a derived table is what SQL makes of the raw rows"}


def test_completeness_that_goes_back(world: World) -> None:
    world.complete[1]["next"] = 5
    assert world.found() == {"what a table is complete up to never goes back"}


def test_completeness_that_forgets_a_partition(world: World) -> None:
    world.complete.append(world.complete[1] | {"partition": 1, "next": 3})
    assert world.found() == {"what a table is complete up to never goes back"}


def test_a_build_on_an_older_cut(world: World) -> None:
    world.cuts[2]["source_sequence"] = 1
    assert world.found() == {
        "an input is never read at an older cut than before",
        "no two builds brought a table to the same place",
    }


def test_two_builds_of_the_same(world: World) -> None:
    world.cuts[2]["source_sequence"] = world.cuts[1]["source_sequence"]
    assert world.found() == {"no two builds brought a table to the same place"}


def test_the_same_for_another_day_or_with_files_folded_is_no_second_build(world: World) -> None:
    world.cuts[2]["source_sequence"] = world.cuts[1]["source_sequence"]
    world.builds[2]["as_of"] = "2026-06-02"
    assert world.found() == set()
    world.builds[2] |= {"as_of": "2026-06-01", "operation": "replace"}
    world.complete[2]["next"] = world.complete[1]["next"]
    assert world.found() == set()


def test_a_replace_that_says_it_built_something(world: World) -> None:
    world.builds[2]["operation"] = "replace"
    world.complete[2]["next"] = world.complete[1]["next"]
    assert world.found() == {"a replace carries what the build before records"}


def test_a_replace_that_says_it_is_complete_further(world: World) -> None:
    world.builds[2]["operation"] = "replace"
    world.cuts[2]["source_sequence"] = world.cuts[1]["source_sequence"]
    assert world.found() == {"a replace carries what the build before records"}


def test_a_replace_that_forgets_an_input(world: World) -> None:
    world.builds[2]["operation"] = "replace"
    world.complete[2]["next"] = world.complete[1]["next"]
    del world.cuts[2]
    assert "a replace carries what the build before records" in world.found()


def test_a_build_committed_twice(world: World) -> None:
    world.builds[3]["commit_id"] = world.builds[2]["commit_id"]
    assert world.found() == {"a build is committed once"}


def test_a_build_that_does_not_stand_on_the_one_before(world: World) -> None:
    world.builds[3]["parent_id"] = world.builds[1]["snapshot_id"]
    assert world.found() == {"a build stands on the one before"}


def test_a_thinned_history_is_no_violation(world: World) -> None:
    for rows in (world.builds, world.complete, world.cuts):
        del rows[1]
    assert world.found() == set()


def test_a_row_deleted_twice(world: World) -> None:
    world.deleted.append(world.deleted[0])
    assert world.found() == {"a row is deleted once"}


def test_the_same_position_of_another_file_is_another_row(world: World) -> None:
    world.deleted.append(world.deleted[0] | {"file_path": "b.parquet"})
    assert world.found() == set()


def test_a_build_that_was_not_announced(world: World) -> None:
    del world.announcements[2]
    assert world.found() == {"a build is announced"}


def test_every_rule_was_broken_here() -> None:
    """Of each rule there is a test above; a new one wants one, too."""
    assert len(RULES) == 11
