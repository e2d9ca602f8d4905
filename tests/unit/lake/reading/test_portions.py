from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from shared.lake.reading import portions as module
from shared.lake.reading.portions import appended_portions, portions
from shared.lake.reading.read_stats import ReadStats
from shared.lake.reading.scan import scan
from tests.support.row_histories import RowHistory, day

NAMES = ["id", "kind"]


@pytest.fixture(autouse=True)
def _one_file_a_portion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PORTION_BYTES", 1)


def rows(*ids: int) -> list[dict[str, object]]:
    return [{"id": each, "kind": f"kind {each}", "at": day(1)} for each in ids]


def test_portions_together_are_the_snapshot(history: RowHistory) -> None:
    history.append(*rows(1, 2))
    history.append(*rows(3))
    head = history.delta(history.places()[:1])
    stats = ReadStats()
    found = list(portions(history.table, head, NAMES, stats=stats))
    assert [frame.columns for frame in found] == [NAMES, NAMES]
    assert_frame_equal(pl.concat(found), scan(history.table, head, NAMES), check_row_order=False)
    assert (stats.files, stats.rows) == (2, 2)


def test_a_table_without_a_snapshot_has_no_portions(history: RowHistory) -> None:
    assert list(portions(history.table, None, NAMES)) == []


def test_files_share_a_portion_as_long_as_they_are_small(
    history: RowHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PORTION_BYTES", 10**6)
    for number in range(5):
        head = history.append(*rows(number))
    assert [len(frame) for frame in portions(history.table, head, NAMES)] == [5]
    monkeypatch.setattr(module, "PORTION_FILES", 2)
    assert [len(frame) for frame in portions(history.table, head, NAMES)] == [2, 2, 1]


def test_what_was_appended_comes_in_portions(history: RowHistory) -> None:
    start = history.append(*rows(1))
    history.append(*rows(2, 3))
    end = history.append(*rows(4))
    found = appended_portions(history.table, start, end, ["id"])
    assert found is not None
    assert sorted(sorted(frame["id"].to_list()) for frame in found) == [[2, 3], [4]]


def test_all_rows_were_appended_to_no_snapshot(history: RowHistory) -> None:
    history.append(*rows(1))
    end = history.append(*rows(2))
    found = appended_portions(history.table, None, end, ["id"])
    assert found is not None
    assert sorted(pl.concat(found)["id"].to_list()) == [1, 2]


def test_rows_that_went_cannot_be_told_in_portions(history: RowHistory) -> None:
    start = history.append(*rows(1, 2))
    end = history.delta(history.places()[:1])
    assert appended_portions(history.table, start, end, ["id"]) is None
    assert appended_portions(history.table, end, start, ["id"]) is None, "nor those that came back"


def test_a_large_file_is_read_in_parts_of_whole_row_groups(
    history: RowHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALIGNED_ROWS", 2)
    with history.table.transaction() as transaction:
        transaction.set_properties({"write.parquet.row-group-limit": "2"})
    history.append(*rows(*range(7)))
    head = history.delta([history.places()[1], history.places()[6]])
    stats = ReadStats()
    found = list(portions(history.table, head, NAMES, located=True, stats=stats))
    assert [frame["id"].to_list() for frame in found] == [[0], [2, 3], [4, 5], []]
    assert pl.concat(found)["_pos"].to_list() == [0, 2, 3, 4, 5]
    whole = ReadStats()
    assert scan(history.table, head, NAMES, stats=whole).height == 5
    assert (stats.files, stats.bytes, stats.rows) == (whole.files, whole.bytes, 5)
