"""Whatever happened to a table: its rows and its changes are those that were meant.

Histories of appends, row deltas, copy-on-write, compaction with and without the deletes, folding,
level 0 and its spills, merged manifests, rollbacks, branches, other schemas and partition specs.
Rows come from so few values that many are equal, as a multiset must bear.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, StringType

from shared.lake.reading.changes import changes
from shared.lake.reading.scan import Keys, scan
from shared.lake.table_state import SnapshotEntry
from tests.support.row_histories import DAILY, Place, Row, RowHistory, day

EXAMPLES = int(os.environ.get("BERGLINE_TEST_EXAMPLES", "12"))
"""How many histories are tried; the default keeps this file to some seconds."""

STEPS = 8
PAIRS = 8

ROWS = st.fixed_dictionaries(
    {
        "id": st.integers(0, 3) | st.none(),
        "kind": st.sampled_from(["a", "b", None]),
        "amount": st.sampled_from([Decimal("1.00"), Decimal("-2.50"), None]),
        "at": st.integers(1, 3).map(day),
    }
)


class Histories:
    """Draws what happens next."""

    def __init__(self, data: st.DataObject, history: RowHistory) -> None:
        self._data, self._history = data, history
        self._branches = 0

    def step(self) -> None:
        """One thing happens."""
        steps = [self.append, self.delta, self.delta, self.copy_on_write, self.compaction]
        steps += [self.fold, self.merge, self.roll_back, self.fork, self.evolve, self.partition]
        steps += [self.spill]
        if not self._history.versions:
            steps = [self.append]
        self._draw(st.sampled_from(steps))()

    def append(self) -> None:
        self._history.append(*self._rows(1), apart=self._flag())

    def delta(self) -> None:
        history = self._history
        lost = self._places()
        known = [(path, 0) for path in history.version.gone if 0 in history.version.gone[path]]
        known += [
            place
            for version in history.versions.values()
            for place in history.places(version)
            if place[0] not in history.version.gone
        ]
        again = self._some(sorted(set(known))) if self._flag() else []
        rows = self._rows(0)
        if lost or rows:
            history.delta(
                lost,
                *rows,
                again=again,
                one_file=self._flag(),
                bounds=self._flag(),
                apart=self._flag(),
            )

    def copy_on_write(self) -> None:
        lost = self._places()
        if lost:
            self._history.rewrite(
                {path for path, _ in lost}, leave_out=lost, drop_deletes=self._flag()
            )

    def compaction(self) -> None:
        paths = self._some(list(self._history.version.gone))
        if paths:
            self._history.rewrite(paths, drop_deletes=self._flag(), old_number=self._flag())

    def fold(self) -> None:
        self._history.fold_deletes()

    def spill(self) -> None:
        self._history.spill()

    def merge(self) -> None:
        self._history.merge_manifests()

    def roll_back(self) -> None:
        self._history.roll_back(self._snapshot())

    def fork(self) -> None:
        self._branches += 1
        self._history.fork(self._snapshot(), f"branch-{self._branches}")

    def evolve(self) -> None:
        """A column is renamed, widened, dropped, or made again under a name used before."""
        schema = self._history.table.schema()
        names = {field.name for field in schema.fields}
        with self._history.table.update_schema() as update:
            match self._draw(st.sampled_from(["rename", "widen", "drop", "add"])):
                case "rename" if "kind" in names and "sort" not in names:
                    update.rename_column("kind", "sort")
                case "widen" if "id" in names:
                    update.update_column("id", LongType())
                case "drop" if "kind" in names and not self._partitioned_by("kind"):
                    update.delete_column("kind")
                case "add" if "kind" not in names:
                    update.add_column("kind", StringType())

    def partition(self) -> None:
        """Other partitions from now on."""
        names = {field.name for field in self._history.table.schema().fields}
        if self._partitioned_by("kind"):
            with self._history.table.update_spec() as update:
                update.remove_field("by_kind")
        elif "kind" in names and not self._ever_by_kind():
            with self._history.table.update_spec() as update:
                update.add_field("kind", IdentityTransform(), "by_kind")

    def _partitioned_by(self, column: str) -> bool:
        table = self._history.table
        field = table.schema().find_field(column) if column in table.schema().column_names else None
        return field is not None and any(
            each.source_id == field.field_id for each in table.spec().fields
        )

    def _ever_by_kind(self) -> bool:
        return any(
            each.name == "by_kind"
            for spec in self._history.table.specs().values()
            for each in spec.fields
        )

    def _draw(self, strategy: st.SearchStrategy[Any]) -> Any:
        return self._data.draw(strategy)

    def _flag(self) -> bool:
        return bool(self._draw(st.booleans()))

    def _rows(self, least: int) -> list[Row]:
        return list(self._draw(st.lists(ROWS, min_size=least, max_size=4)))

    def _some(self, of: list[Any]) -> list[Any]:
        return (
            list(self._draw(st.lists(st.sampled_from(of), unique=True, max_size=4))) if of else []
        )

    def _places(self) -> list[Place]:
        return self._some(self._history.places())

    def _snapshot(self) -> SnapshotEntry:
        return self._draw(st.sampled_from(self._history.snapshots()))  # type: ignore[no-any-return]


@given(st.data())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_rows_and_changes_are_those_that_were_meant(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as directory:
        history = RowHistory(Path(directory), data.draw(st.sampled_from([None, DAILY])))
        happening = Histories(data, history)
        for _ in range(data.draw(st.integers(2, STEPS), label="steps")):
            happening.step()
        snapshots = history.snapshots()
        for snapshot in snapshots:
            rows_are_right(data, history, snapshot)
        for _ in range(PAIRS):
            start = data.draw(st.sampled_from([None, *snapshots]), label="start")
            end = data.draw(st.sampled_from(snapshots), label="end")
            changes_are_right(data, history, start, end)


def rows_are_right(data: st.DataObject, history: RowHistory, snapshot: SnapshotEntry) -> None:
    """All rows; those of some keys; each at the place where it is."""
    table = history.table
    names = _names(table)
    whole = scan(table, snapshot, names, located=True)
    assert Counter(whole.select(names).rows()) == history.rows(snapshot)
    for *values, path, position in whole.rows():
        assert tuple(values) == history.row((path, position))
    wanted = data.draw(st.lists(st.integers(0, 3) | st.none(), max_size=2), label="keys")
    frame = pl.DataFrame({"key": wanted}, schema={"key": pl.Int64})
    found = scan(
        table,
        snapshot,
        ["at"],
        keys=Keys(frame, {"key": pl.col("id")}),
        where=pl.col("at") > day(1),
    )
    expected = [
        (at,)
        for (number, at), count in history.rows(snapshot, ["id", "at"]).items()
        for _ in range(count)
        if number in wanted and at > day(1)
    ]
    assert Counter(found.rows()) == Counter(expected)


def changes_are_right(
    data: st.DataObject, history: RowHistory, start: SnapshotEntry | None, end: SnapshotEntry
) -> None:
    """Every column; some columns; other columns on either side; parents known or not."""
    table = history.table
    if data.draw(st.booleans(), label="thinned"):
        table = _thinned(table, [each for each in (start, end) if each is not None])
    names = _names(table)
    before, after = history.rows(start), history.rows(end)
    all_columns = changes(table, start, end, added=names, removed=names)
    assert all_columns.exact
    assert Counter(all_columns.added.rows()) == after - before
    assert Counter(all_columns.removed.rows()) == before - after
    added = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True), label="added")
    removed = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True), label="removed")
    found = changes(table, start, end, added=added, removed=removed)
    assert (found.added.columns, found.removed.columns) == (added, removed)
    if found.exact:
        union = list(dict.fromkeys([*added, *removed]))
        before, after = history.rows(start, union), history.rows(end, union)
        assert Counter(found.added.rows()) == _only(after - before, union, added)
        assert Counter(found.removed.rows()) == _only(before - after, union, removed)
    common = [name for name in added if name in removed]
    balance = history.rows(start, common)
    balance.update(found.added.select(common).rows() if common else [()] * found.added.height)
    balance.subtract(found.removed.select(common).rows() if common else [()] * found.removed.height)
    assert +balance == history.rows(end, common)
    assert not -balance


def _names(table: Table) -> list[str]:
    return [field.name for field in table.schema().fields]


def _only(rows: Counter[Any], of: list[str], wanted: list[str]) -> Counter[Any]:
    at = [of.index(name) for name in wanted]
    found: Counter[Any] = Counter()
    for row, count in rows.items():
        found[tuple(row[index] for index in at)] += count
    return found


def _thinned(table: Table, kept: list[SnapshotEntry]) -> Table:
    """The table when all other snapshots are gone."""
    ids = {each.snapshot_id for each in kept}
    metadata = table.metadata
    refs = {name: ref for name, ref in metadata.refs.items() if ref.snapshot_id in ids}
    snapshots = [each for each in metadata.snapshots if each.snapshot_id in ids]
    head = kept[-1].snapshot_id
    thinned = metadata.model_copy(
        update={"refs": refs, "snapshots": snapshots, "current_snapshot_id": head}
    )
    return Table(table.name(), thinned, table.metadata_location, table.io, table.catalog)
