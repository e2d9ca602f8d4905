"""The audit of maintenance finds what it is there to find: a world in order, then one thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest

from tests.chaos.maintenance_audit import GRACE_MS, RULES, MaintenanceEvidence, audit

Record = dict[str, Any]
TABLE = "core.orders"
EMPTY = {
    "failures": pa.schema(
        {name: pa.utf8() for name in ("table_name", "job", "worker", "error_type", "error")}
        | {"began_ms": pa.int64(), "ended_ms": pa.int64()}
    )
}


@dataclass
class World:
    """One table that was compacted once, in a storage that was away from 1,000 to 2,000."""

    named: list[Record] = field(default_factory=list)
    stored: list[Record] = field(default_factory=list)
    versions: list[Record] = field(default_factory=list)
    failures: list[Record] = field(default_factory=list)
    jobs: list[Record] = field(default_factory=list)
    outages: list[Record] = field(default_factory=list)

    def found(self) -> set[str]:
        """Rules that do not hold."""
        tables = {
            name: pa.Table.from_pylist(getattr(self, name), schema=EMPTY.get(name))
            for name in MaintenanceEvidence.__dataclass_fields__
        }
        return {violation.rule for violation in audit(MaintenanceEvidence(**tables))}

    def fails(self, began_ms: int, ended_ms: int, error_type: str = "Unavailable") -> None:
        """A job fails."""
        self.failures.append(
            {"table_name": TABLE, "job": "compact", "worker": "maintainer/1", "error": "away"}
            | {"began_ms": began_ms, "ended_ms": ended_ms, "error_type": error_type}
        )


@pytest.fixture
def world() -> World:
    made = World()
    for number in range(4):
        place = {"table_name": TABLE, "path": f"warehouse/{number}.parquet"}
        made.named.append(place | {"snapshot_id": 1, "kind": "file"})
        made.stored.append(place | {"bytes": 9})
    version = {"table_name": TABLE, "rows": 7, "digest": "d", "recorded": "r"}
    made.versions.append(version | {"snapshot_id": 1, "parent_id": None, "operation": "append"})
    made.versions.append(version | {"snapshot_id": 2, "parent_id": 1, "operation": "replace"})
    made.jobs.append(
        {"table_name": TABLE, "job": "compact", "status": "succeeded"}
        | {"worker": "maintainer/1", "ended_ms": 500}
    )
    made.outages.append({"name": "storage", "began_ms": 100_000, "ended_ms": 120_000})
    return made


def test_a_world_in_order_breaks_no_rule(world: World) -> None:
    world.stored.append({"table_name": TABLE, "path": "an orphan", "bytes": 9})
    assert world.found() == set()


def test_a_file_that_is_named_and_gone(world: World) -> None:
    del world.stored[2]
    assert world.found() == {"what a retained snapshot names is in the store"}


@pytest.mark.parametrize(("column", "value"), [("rows", 6), ("digest", "other")])
def test_a_replace_that_changes_rows(world: World, column: str, value: object) -> None:
    world.versions[1][column] = value
    assert world.found() == {"a replace holds the rows of its parent"}


def test_a_replace_that_records_something_else(world: World) -> None:
    world.versions[1]["recorded"] = "other"
    assert world.found() == {"a replace records what its parent records"}


def test_a_change_of_rows_that_says_so_is_no_violation(world: World) -> None:
    world.versions[1] |= {"operation": "overwrite", "rows": 9, "recorded": "other"}
    assert world.found() == set()


@pytest.mark.parametrize("span", [(90_000, 100_000), (110_000, 111_000), (120_000, 121_000)])
def test_a_failure_while_the_storage_was_away(world: World, span: tuple[int, int]) -> None:
    world.fails(*span)
    assert world.found() == set()


@pytest.mark.parametrize("span", [(1, 99_999), (120_001 + GRACE_MS, 200_000)])
def test_a_failure_that_no_fault_explains(world: World, span: tuple[int, int]) -> None:
    world.fails(*span)
    assert world.found() == {"maintenance fails only where a fault explains it"}


def test_a_fault_of_something_else_explains_nothing(world: World) -> None:
    world.outages[0]["name"] = "ingest"
    world.fails(110_000, 111_000)
    assert world.found() == {"maintenance fails only where a fault explains it"}


@pytest.mark.parametrize("error_type", ["CheckFailed", "NotFound", "AssertionError"])
def test_a_failure_of_a_kind_that_no_fault_explains(world: World, error_type: str) -> None:
    world.fails(110_000, 111_000, error_type)
    assert world.found() == {"maintenance fails only where a fault explains it"}


@pytest.mark.parametrize("change", [{"status": "skipped"}, {"job": "expire"}])
def test_a_run_in_which_nothing_was_compacted(world: World, change: Record) -> None:
    world.jobs[0] |= change
    assert world.found() == {"small files were put together"}


def test_every_rule_was_broken_here() -> None:
    """Of each rule there is a test above; a new one wants one, too."""
    assert len(RULES) == 5
