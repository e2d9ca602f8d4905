from __future__ import annotations

from pathlib import Path

from pyiceberg.table import Table

from shared.lake.reading.deleted_positions import deleted_positions
from shared.lake.reading.live_files import LiveFile, LiveFiles, live_files
from tests.support.row_histories import RowHistory, day


def rows(*ids: int, on: int = 1) -> list[dict[str, object]]:
    return [{"id": each, "at": day(on)} for each in ids]


def deleted(table: Table, live: LiveFiles) -> dict[str, list[int]]:
    found = deleted_positions(table.io, live.data, live.deletes.values())
    return {path: sorted(positions.to_list()) for path, positions in found.items()}


def test_positions_of_several_delete_files_are_one_set(history: RowHistory) -> None:
    history.append(*rows(1, 2, 3, 4))
    places = history.places()
    history.delta([places[0], places[2]])
    head = history.delta([places[3]], again=[places[0]])
    live = live_files(history.table, head)
    assert len(live.deletes) == 2
    assert deleted(history.table, live) == {places[0][0]: [0, 2, 3]}


def test_a_delete_file_older_than_a_data_file_misses_it(history: RowHistory) -> None:
    history.append(*rows(1, 2))
    places = history.places()
    head = history.delta([places[0]])
    live = live_files(history.table, head)
    (path,) = live.data
    (delete,) = live.deletes.values()
    younger = {path: LiveFile(live.data[path].file, delete.sequence_number + 1)}
    assert deleted_positions(history.table.io, younger, [delete]) == {}
    same = {path: LiveFile(live.data[path].file, delete.sequence_number)}
    assert deleted_positions(history.table.io, same, [delete]).keys() == {path}


def test_of_two_files_that_a_delete_file_names_it_misses_the_younger(history: RowHistory) -> None:
    history.append(*rows(1))
    history.append(*rows(2))
    (first, _), (second, _) = history.places()
    head = history.delta(history.places())
    live = live_files(history.table, head)
    (delete,) = live.deletes.values()
    data = {
        first: live.data[first],
        second: LiveFile(live.data[second].file, delete.sequence_number + 1),
    }
    assert deleted_positions(history.table.io, data, [delete]).keys() == {first}


def test_a_delete_file_of_another_partition_misses_it(daily: RowHistory) -> None:
    daily.append(*rows(1, on=1), *rows(2, on=2))
    places = daily.places()
    head = daily.delta([places[0]])
    live = live_files(daily.table, head)
    (delete,) = live.deletes.values()
    delete.file.partition[0] += 1
    try:
        assert deleted(daily.table, live) == {}
    finally:
        delete.file.partition[0] -= 1
    assert deleted(daily.table, live) == {places[0][0]: [0]}


def test_a_delete_file_that_cannot_name_a_file_is_not_opened(history: RowHistory) -> None:
    history.append(*rows(1, 2))
    history.append(*rows(3, 4))
    places = history.places()
    head = history.delta([places[0]])
    live = live_files(history.table, head)
    (delete,) = live.deletes.values()
    Path(delete.file.file_path.removeprefix("file://")).unlink()
    other = {places[2][0]: live.data[places[2][0]]}
    assert deleted_positions(history.table.io, other, [delete]) == {}


def test_no_delete_files_are_no_deleted_positions(history: RowHistory) -> None:
    head = history.append(*rows(1))
    assert deleted(history.table, live_files(history.table, head)) == {}
