from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation

from shared.lake.reading import rewrites
from shared.lake.reading.changes import RowChanges, changes
from shared.lake.table_state import SnapshotEntry
from tests.support import foreign_snapshots
from tests.support.row_histories import RowHistory, day


def rows(*ids: int, on: int = 1, **more: object) -> list[dict[str, object]]:
    return [{"id": each, "at": day(on), **more} for each in ids]


def changed(
    history: RowHistory,
    start: SnapshotEntry | None,
    end: SnapshotEntry,
    added: Sequence[str] = ("id",),
    removed: Sequence[str] = ("id",),
) -> RowChanges:
    return changes(history.table, start, end, added=added, removed=removed)


def ids(found: RowChanges) -> tuple[list[Any], list[Any]]:
    return sorted(found.added["id"]), sorted(found.removed["id"])


def thinned(history: RowHistory, *kept: SnapshotEntry) -> Table:
    """The table when all other snapshots, and what only they list, are gone."""
    table = history.table
    keep = {each.snapshot_id for each in kept}
    for each in table.metadata.snapshots:
        if each.snapshot_id not in keep:
            Path(each.manifest_list.removeprefix("file://")).unlink(missing_ok=True)
    snapshots = [each for each in table.metadata.snapshots if each.snapshot_id in keep]
    metadata = table.metadata.model_copy(update={"snapshots": snapshots, "refs": {}})
    return Table(table.name(), metadata, table.metadata_location, table.io, table.catalog)


def test_from_nothing_every_row_came(history: RowHistory) -> None:
    history.append(*rows(1, 2))
    end = history.delta([history.places()[0]], *rows(3))
    assert ids(changed(history, None, end)) == ([2, 3], [])


def test_a_snapshot_does_not_differ_from_itself(history: RowHistory) -> None:
    end = history.append(*rows(1))
    found = changed(history, end, end)
    assert ids(found) == ([], [])
    assert found.stats.files == 0


def test_appended_rows_came_and_only_their_files_are_read(history: RowHistory) -> None:
    history.append(*rows(1))
    start = history.append(*rows(2))
    history.append(*rows(3))
    end = history.append(*rows(3, 4))
    found = changed(history, start, end)
    assert ids(found) == ([3, 3, 4], [])
    assert (found.stats.files, found.stats.rows) == (2, 3)


def test_a_delta_is_the_rows_at_new_positions_and_those_appended(history: RowHistory) -> None:
    history.append(*rows(1, 2, 3))
    start = history.append(*rows(4, 5, 6))
    places = history.places()
    history.delta([places[0]], *rows(10))
    end = history.delta([places[4]], *rows(50))
    found = changed(history, start, end, ["id"], ["at", "id"])
    assert ids(found) == ([10, 50], [1, 5])
    assert found.stats.files == 4
    assert found.removed.columns == ["at", "id"]


def test_no_side_reads_columns_that_only_the_other_one_is_asked_for(history: RowHistory) -> None:
    start = history.append(*rows(1, 2, 3))
    end = history.delta([history.places()[0]], *rows(10))
    both = changed(history, start, end, ["id", "at"], ["at", "id"]).stats.bytes
    assert changed(history, start, end, ["id"], ["id", "at"]).stats.bytes < both
    assert changed(history, start, end, ["id", "at"], ["id"]).stats.bytes < both


def test_a_file_may_come_together_with_deletes_of_its_rows(history: RowHistory) -> None:
    start = history.append(*rows(1))
    (file,) = history.write(rows(2, 3, 4))
    delete = foreign_snapshots.delete_file(history.table, {file.file_path: [0, 2]}, file)
    foreign_snapshots.snapshot(history.table, added=[(file, None), (delete, None)])
    end = history.head
    assert ids(changed(history, start, end)) == ([3], [])
    assert ids(changed(history, end, start)) == ([], [3])


def test_a_row_that_came_and_went_between_is_no_change(history: RowHistory) -> None:
    start = history.append(*rows(1))
    history.append(*rows(2, 3))
    end = history.delta([history.places()[1]])
    assert ids(changed(history, start, end)) == ([3], [])


def test_both_versions_of_a_row_cancel_where_they_are_equal(history: RowHistory) -> None:
    start = history.append(*rows(1, 2, kind="a"))
    end = history.delta(history.places(), *rows(1, kind="a"), *rows(2, kind="b"))
    same = changed(history, start, end, ["id", "kind"], ["kind", "id"])
    assert same.exact
    assert same.added.rows() == [(2, "b")]
    assert same.removed.rows() == [("a", 2)]
    other = changed(history, start, end, ["id", "kind"], ["id"])
    assert not other.exact
    assert Counter(other.added.rows()) == Counter([(1, "a"), (2, "b")])
    assert ids(other)[1] == [1, 2]


def test_rows_cancel_one_by_one(history: RowHistory) -> None:
    start = history.append(*rows(1, 1, 1, 2))
    end = history.rewrite(history.version.gone, leave_out=history.places()[:2])
    assert ids(changed(history, start, end)) == ([], [1, 1])


def test_null_equals_null_when_rows_cancel(history: RowHistory) -> None:
    start = history.append({"at": day(1)}, {"id": 1, "at": day(1)})
    end = history.rewrite(history.version.gone, leave_out=history.places()[1:])
    names = ["id", "kind", "amount", "at"]
    found = changed(history, start, end, names, names)
    assert found.added.is_empty()
    assert found.removed.rows() == [(1, None, None, day(1))]


def test_amounts_are_compared_to_the_cent(history: RowHistory) -> None:
    big = Decimal("9007199254740993.01")  # no float tells it from .00
    start = history.append(*rows(1, amount=big))
    end = history.rewrite(
        history.version.gone, leave_out=history.places(), operation=Operation.OVERWRITE
    )
    end = history.append(*rows(1, amount=big - Decimal("0.01")))
    found = changed(history, start, end, ["amount"], ["amount"])
    assert (found.added.rows(), found.removed.rows()) == ([(big - Decimal("0.01"),)], [(big,)])


def test_copy_on_write_tells_the_rows_that_differ(history: RowHistory) -> None:
    start = history.append(*rows(1, 2, 3))
    end = history.rewrite(history.version.gone, leave_out=history.places()[:1])
    found = changed(history, start, end, ["id"], ["at"])
    assert found.exact
    assert found.added.is_empty()
    assert found.removed.rows() == [(day(1),)]


@pytest.mark.parametrize("old_number", [False, True])
@pytest.mark.parametrize("drop_deletes", [False, True])
def test_a_compaction_that_carried_deletes_changes_nothing(
    history: RowHistory, old_number: bool, drop_deletes: bool
) -> None:
    history.append(*rows(1, 2))
    history.append(*rows(3))
    start = history.delta([history.places()[0]])
    end = history.rewrite(history.version.gone, old_number=old_number, drop_deletes=drop_deletes)
    for table in (history.table, thinned(history, start, end)):
        found = changes(table, start, end, added=["id"], removed=["at"])
        assert found.added.is_empty()
        assert found.removed.is_empty()


def test_rows_deleted_before_a_rewrite_with_an_old_number_stay_deleted(
    history: RowHistory,
) -> None:
    history.append(*rows(1, 2))
    history.delta([history.places()[0]])
    start = history.head
    history.rewrite(history.version.gone, old_number=True, drop_deletes=False)
    end = history.delta([history.places()[0]], *rows(3))
    assert ids(changed(history, start, end)) == ([3], [2])
    assert ids(changed(history, end, start)) == ([2], [3])


def test_a_delete_file_that_names_a_file_of_neither_snapshot_is_no_change(
    history: RowHistory,
) -> None:
    start = history.append(*rows(1))
    history.append(*rows(2, 3))
    history.delta([history.places()[1]])
    own = {path for path, _ in history.places()[1:]}
    end = history.rewrite(own, drop_deletes=False)
    for table in (history.table, thinned(history, start, end)):
        assert ids(changes(table, start, end, added=["id"], removed=["id"])) == ([3], [])


def test_a_position_deleted_again_went_once(history: RowHistory) -> None:
    history.append(*rows(1, 2, 3))
    places = history.places()
    start = history.delta([places[0]])
    end = history.delta([places[1]], again=[places[0]])
    assert ids(changed(history, start, end)) == ([], [2])
    assert ids(changed(history, end, start)) == ([2], [])


def test_folded_deletes_change_nothing(history: RowHistory) -> None:
    history.append(*rows(1, 2, 3))
    places = history.places()
    history.delta([places[0]])
    start = history.delta([places[1]])
    end = history.fold_deletes()
    found = changed(history, start, end)
    assert ids(found) == ([], [])
    assert found.stats.files == 0


def test_merged_manifests_change_nothing(history: RowHistory) -> None:
    history.append(*rows(1, 2))
    start = history.delta([history.places()[0]], *rows(3))
    end = history.merge_manifests()
    found = changed(history, start, end)
    assert ids(found) == ([], [])
    assert found.stats.files == 0


def test_a_rollback_takes_back_rows_that_came_and_brings_back_those_that_went(
    history: RowHistory,
) -> None:
    end = history.append(*rows(1, 2))
    start = history.delta([history.places()[0]], *rows(3))
    history.roll_back(end)
    assert ids(changed(history, start, end)) == ([1], [3])


def test_branches_differ_by_what_each_did(history: RowHistory) -> None:
    origin = history.append(*rows(1, 2))
    places = history.places()
    start = history.delta([places[0]], *rows(3))
    history.fork(origin, "other")
    end = history.delta([places[1]], *rows(4))
    assert ids(changed(history, start, end)) == ([1, 4], [2, 3])


def test_partitions_may_change_on_the_way(daily: RowHistory) -> None:
    start = daily.append(*rows(1, on=1), *rows(2, on=2))
    with daily.table.update_spec() as update:
        update.remove_field("at_day")
    end = daily.delta([daily.places()[0]], *rows(3, on=1), *rows(4, on=2))
    assert ids(changed(daily, start, end)) == ([3, 4], [1])


def test_columns_may_change_on_the_way(history: RowHistory) -> None:
    start = history.append(*rows(1, 2, kind="a"))
    with history.table.update_schema() as update:
        update.rename_column("kind", "sort")
    end = history.delta([history.places()[0]], *rows(3, sort="b"))
    found = changed(history, start, end, ["sort"], ["sort"])
    assert (found.added.rows(), found.removed.rows()) == ([("b",)], [("a",)])


def test_a_compaction_costs_no_reading_while_the_history_is_known(history: RowHistory) -> None:
    history.append(*rows(1, 2))
    start = history.append(*rows(3))
    before = history.append(*rows(4))
    history.rewrite([path for path, _ in history.places(history.versions[start.snapshot_id])])
    end = history.append(*rows(5))
    assert before.snapshot_id != end.snapshot_id
    found = changed(history, start, end)
    assert ids(found) == ([4, 5], [])
    assert found.stats.files == 2
    whole = changes(thinned(history, start, end), start, end, added=["id"], removed=["id"])
    assert ids(whole) == ([4, 5], [])
    assert whole.stats.files == 5


def test_a_compaction_after_the_table_was_loaded_costs_none_either(history: RowHistory) -> None:
    """Who reads for hours keeps the table and is told of its snapshots."""
    start = history.append(*rows(1, 2))
    table = history.table
    history.rewrite(history.version.gone)
    end = history.append(*rows(3))
    now = {each.snapshot_id: each for each in history.snapshots()}
    unaware = changes(table, start, end, added=["id"], removed=["id"])
    assert (ids(unaware), unaware.stats.files) == (([3], []), 3)
    found = changes(table, start, end, added=["id"], removed=["id"], history=now.get)
    assert ids(found) == ([3], [])
    assert found.stats.files == 1


def test_rows_that_come_before_a_compaction_and_go_after_it_are_no_change(
    history: RowHistory,
) -> None:
    start = history.append(*rows(1, 2))
    history.append(*rows(3, kind="a"))
    history.rewrite(history.version.gone)
    lost = [place for place in history.places() if history.row(place, ["id"]) == (3,)]
    end = history.delta(lost, *rows(4))
    found = changed(history, start, end, ["id"], ["kind", "id"])
    assert found.exact
    assert ids(found) == ([4], [])


def test_a_rewrite_that_lost_rows_is_not_believed(history: RowHistory) -> None:
    start = history.append(*rows(1, 2))
    end = history.rewrite(
        history.version.gone, leave_out=history.places()[:1], operation=Operation.REPLACE
    )
    assert rewrites.around_rewrites(history.table, start, end) is None
    assert ids(changed(history, start, end)) == ([], [1])


def test_the_history_between_may_vanish_while_it_is_looked_at(history: RowHistory) -> None:
    start = history.append(*rows(1, 2))
    history.append(*rows(3))
    history.rewrite(history.version.gone)
    end = history.append(*rows(4))
    table = history.table
    thinned(history, start, end)
    assert ids(changes(table, start, end, added=["id"], removed=["id"])) == ([3, 4], [])
