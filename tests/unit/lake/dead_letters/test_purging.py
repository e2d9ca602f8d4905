"""Purged rows are gone from the live files, all others stay, and the ledger stays true."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from shared.contracts.identity import uuid7
from shared.contracts.topics import DEAD_LETTERS as TOPIC
from shared.lake.balance import Counted, weigh
from shared.lake.dead_letters.letters import RowKey
from shared.lake.dead_letters.purging import KEY_PURGED, Purged, purge
from shared.lake.position import Position, Stretch
from shared.lake.positions import Positions
from shared.tables.metadata import DEAD_LETTERS
from tests.support.lake import Lake
from tests.support.letters import LetterTable, letter


@pytest.fixture
def letters(tmp_path: Path) -> LetterTable:
    """Letters 0 to 5 in three files."""
    found = LetterTable(Lake(tmp_path, DEAD_LETTERS))
    for start in range(0, 6, 2):
        found.land([letter(start), letter(start + 1)], start)
    return found


def wanted(letters: LetterTable, *offsets: int) -> dict[RowKey, bool]:
    rows = letters.rows("_topic", "_partition", "_offset", "_loaded_at")
    return {row: False for row in rows if row[2] in offsets}


def purged(letters: LetterTable, which: dict[RowKey, bool]) -> Purged:
    handle = letters.lake.handle()
    return purge(handle, DEAD_LETTERS, which, purge_id=uuid7(), reason="a test", actor="ada")


def offsets(letters: LetterTable) -> list[int]:
    return [offset for (offset,) in letters.rows("offset")]


def test_they_go_and_the_others_stay(letters: LetterTable) -> None:
    before = letters.rows("_event_id", "value", "_loaded_at")
    assert purged(letters, wanted(letters, 1, 2, 3)).rows == 3
    left = letters.rows("_event_id", "value", "_loaded_at")
    assert left == [before[0], *before[4:]]


def test_no_live_file_holds_their_bytes(letters: LetterTable) -> None:
    purged(letters, wanted(letters, 3))
    files = [task.file.file_path for task in letters.lake.table.scan().plan_files()]
    assert not letters.lake.table.inspect.delete_files().num_rows
    held = [
        value
        for path in files
        for value in pq.read_table(path.removeprefix("file://"))["value"].to_pylist()
    ]
    assert sorted(held) == sorted(letter(n).value for n in (0, 1, 2, 4, 5))


def test_the_ledger_states_them_as_gaps(letters: LetterTable) -> None:
    purged(letters, wanted(letters, 0, 5))
    stretches = letters.lake.positions.partitions[TOPIC, 0].stretches
    assert stretches == (Stretch(0, 6, 4, 2, 0),)
    assert weigh((TOPIC, 0), stretches, Counted(4, 0, 4)).findings == ()
    assert letters.lake.head.summary[KEY_PURGED] == "2 rows: ada: a test"


def test_landing_goes_on_after_a_purge(letters: LetterTable) -> None:
    purged(letters, wanted(letters, 4))
    letters.another()
    letters.land([letter(6), letter(5)], 6)
    assert offsets(letters) == [0, 1, 2, 3, 5, 6]
    assert letters.lake.positions.next_offset(TOPIC, 0) == 8


def test_what_lands_meanwhile_stays_and_its_position_holds(letters: LetterTable) -> None:
    which = wanted(letters, 0, 1)
    handle = letters.lake.handle()
    state = handle.reload

    def reload_then_land() -> object:
        found = state()
        handle.reload = state  # type: ignore[method-assign]
        letters.land([letter(6)], 6)
        return found

    handle.reload = reload_then_land  # type: ignore[method-assign, assignment]
    done = purge(handle, DEAD_LETTERS, which, purge_id=uuid7(), reason="a test", actor="ada")
    assert done.rows == 2
    assert offsets(letters) == [2, 3, 4, 5, 6]
    assert letters.lake.positions.partitions[TOPIC, 0].stretches == (Stretch(0, 7, 5, 2, 0),)


def test_rows_that_are_gone_need_no_commit(letters: LetterTable) -> None:
    which = wanted(letters, 2)
    purged(letters, which)
    head = letters.lake.head
    assert purged(letters, which) == Purged(0, None)
    assert letters.lake.head == head


def test_all_of_them_may_go(letters: LetterTable) -> None:
    assert purged(letters, wanted(letters, *range(6))).rows == 6
    assert offsets(letters) == []
    assert letters.lake.positions.partitions[TOPIC, 0].stretches == (Stretch(0, 6, 0, 6, 0),)


def test_of_a_log_made_anew_the_later_row_of_an_offset_counts() -> None:
    known = Position((Stretch(0, 5, 5, 0, 1), Stretch(0, 3, 3, 0, 0, "made anew")))
    positions = Positions({(TOPIC, 0): known})
    after = positions.removed(TOPIC, 0, [(1, False), (4, True)])
    assert after.partitions[TOPIC, 0].stretches == (
        Stretch(0, 5, 4, 1, 0),
        Stretch(0, 3, 2, 1, 0, "made anew"),
    )


def test_more_than_there_are_cannot_be_removed() -> None:
    positions = Positions({(TOPIC, 0): Position((Stretch(0, 5, 0, 5),))})
    with pytest.raises(ValueError, match="no row stands at 3"):
        positions.removed(TOPIC, 0, [(3, False)])
