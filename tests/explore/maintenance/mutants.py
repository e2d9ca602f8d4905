"""Faults planted into maintenance: each of them has to be found.

As :mod:`tests.explore.mutants`: what one would write who does not know the trap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from msgspec import structs
from pyiceberg.io import FileIO

from shared.lake import commit as committing
from shared.lake import decisions, sweeping, thinning
from shared.lake.commit import Head
from shared.lake.divided_deletes import Divided, divide
from shared.lake.maintenance import expiry, orphans, overtaking, restamp, retention, unnamed
from shared.lake.maintenance.deletion import deletion_of
from shared.lake.maintenance.overtaking import Replacement
from shared.lake.maintenance.retention import Retention
from shared.lake.maintenance.unreferenced import Unreferenced
from shared.lake.reading.live_files import LiveFiles, live_files
from shared.lake.table_state import SnapshotEntry, TableState
from tests.explore.planting import Replacement as Planted
from tests.explore.planting import named, plant


def map_of_the_head_that_was_read() -> list[Planted]:
    """Where rows went is asked once, of the head at the start of the job."""
    real = Replacement._moved

    def moved(self: Any, live: LiveFiles) -> dict[str, list[int]]:
        return real(self, live_files(self._table, self._planned))

    return [(Replacement, "_moved", moved)]


def map_of_the_first_attempt() -> list[Planted]:
    """Where rows went is asked on the first head that is tried, and not on the next ones."""
    real = Replacement._moved

    def moved(self: Any, live: LiveFiles) -> dict[str, list[int]]:
        if not hasattr(self, "first"):
            self.first = real(self, live)
        found: dict[str, list[int]] = self.first
        return found

    return [(Replacement, "_moved", moved)]


def younger_deletes_left_behind() -> list[Planted]:
    """What others delete meanwhile is not deleted in the new files."""
    return [(Replacement, "_moved", lambda self, live: {})]


def staying_positions_lost() -> list[Planted]:
    """A delete file goes with the files of a group, whatever it says of others."""
    return [(overtaking, "divide", lambda *args: replace(divide(*args), staying={}))]


def staying_positions_of_the_first_attempt() -> list[Planted]:
    """What delete files say of files that stay is read on the first head that is tried; the files
    to be dropped are those of the present one."""
    first: dict[tuple[str, ...], Divided] = {}

    def once(io: FileIO, live: LiveFiles, leaving: Collection[str]) -> Divided:
        found = divide(io, live, leaving)
        known = first.setdefault(tuple(leaving), found)
        return replace(found, staying=known.staying)

    return [(overtaking, "divide", once)]


def files_used_after_an_unknown_outcome() -> list[Planted]:
    """A compaction names its files again though an attempt may come late."""
    real = Replacement.decide
    return [(Replacement, "decide", lambda self, head, _: real(self, head, True))]


def orphans_of_any_age() -> list[Planted]:
    """What nothing names goes, however young it is."""

    def judge(self: Any, each: Any) -> None:
        real(self, each._replace(modified_ms=0))

    real = orphans._Sweep._judge
    return [(orphans._Sweep, "_judge", judge)]


def tags_do_not_hold() -> list[Planted]:
    """Expiry leaves what branches name, and asks no tag."""

    def protected(state: TableState, *_: Any, **options: Any) -> set[int]:
        refs = state.refs.values()
        return {each.snapshot_id for each in refs if each.type == "branch"} | set(
            options.get("pinned", ())
        )

    return [(retention, "protected", protected)]


def age_since_it_was_committed() -> list[Planted]:
    """A snapshot is as old as its commit, though it was the head until a moment ago."""

    def itself(state: TableState, of: Iterable[SnapshotEntry]) -> dict[int, SnapshotEntry]:
        return {each.snapshot_id: each for each in of if each != state.current_snapshot()}

    return [
        (retention, "successors", itself),
        (thinning, "_heads_lately", lambda state, since_ms: set()),
    ]


def unreferenced_without_a_second_look() -> list[Planted]:
    """What a look found to be named by nothing goes later without another one."""
    real = Unreferenced.sweep

    def sweep(self: Any, state: TableState, *args: Any) -> Any:
        return real(self, structs.replace(state, snapshots=()), *args)

    return [(Unreferenced, "sweep", sweep)]


def deleted_before_removed() -> list[Planted]:
    """Expiry deletes what the plan says before the catalog has agreed."""
    real = committing.commit

    def commit(handle: Any, decide: Any, **options: Any) -> Any:
        plan: Retention = options["thinning"]
        state = handle.reload()
        gone = [state.by_id[each] for each in plan.plan(state, 0).remove]
        kept = tuple(each for each in state.snapshots if each not in gone)
        left = structs.replace(state, snapshots=kept)
        files = deletion_of(handle.table.io)
        unnamed.Unnamed(handle.table.io, gone, lambda: left, files).delete(state.table_uuid)
        return real(handle, decide, **options)

    return [(expiry, "commit", commit)]


def all_of_a_removed_snapshot_swept() -> list[Planted]:
    """Thinning's sweep takes a removed snapshot's manifests for its own alone."""
    real = sweeping.Sweeper.sweep

    def sweep(self: Any, state: TableState, *args: Any) -> int:
        return real(self, structs.replace(state, snapshots=()), *args)

    return [(sweeping.Sweeper, "sweep", sweep)]


def changed_rows_restamped() -> list[Planted]:
    """A foreign head gets what its ancestor records, whatever others did to its rows."""

    def carried(head: Head) -> Any:
        found = head.traced
        if found.snapshot_id is not None:
            return found.provenance
        return head.recorded.positions if head.recorded.snapshot_id is not None else None

    return [(decisions, "carried_by", carried), (restamp, "carried_by", carried)]


MUTANTS = named(
    map_of_the_head_that_was_read,
    map_of_the_first_attempt,
    younger_deletes_left_behind,
    staying_positions_lost,
    staying_positions_of_the_first_attempt,
    files_used_after_an_unknown_outcome,
    orphans_of_any_age,
    tags_do_not_hold,
    age_since_it_was_committed,
    unreferenced_without_a_second_look,
    deleted_before_removed,
    all_of_a_removed_snapshot_swept,
    changed_rows_restamped,
)


def planted(name: str) -> AbstractContextManager[None]:
    """The code with one fault in it."""
    return plant(MUTANTS[name]())
