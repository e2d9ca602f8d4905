"""Which ids a table holds: found in whatever file they are, and few files are opened for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.table import FileScanTask

from shared.lake.landed_ids import Id, landed_ids
from shared.tables.metadata import DEAD_LETTERS
from tests.support.lake import Lake
from tests.support.letters import LetterTable, letter, request

COLUMNS = ("_event_id", "delivery_id")


@pytest.fixture
def letters(tmp_path: Path) -> LetterTable:
    """A file each of letters 0 and 1, 2 and 3, and so on up to 9, and one of requests."""
    found = LetterTable(Lake(tmp_path, DEAD_LETTERS))
    for start in range(0, 10, 2):
        found.land([letter(start), letter(start + 1)], start)
    found.land([request(1)], 10)
    return found


def asked(letters: LetterTable, *ids: Id) -> set[Id]:
    return landed_ids(letters.lake.table, letters.lake.head, COLUMNS, ids)


def id_of(number: int) -> Id:
    return (f"shopify.orders/0/{number}", f"delivery-{number:06d}")


def test_those_that_are_there_are_found(letters: LetterTable) -> None:
    wanted = [id_of(number) for number in (0, 3, 9, 10)]
    assert asked(letters, *wanted, ("refused-000001", "refused-000001")) == {
        *wanted[:3],
        ("refused-000001", "refused-000001"),
    }


def test_all_columns_must_agree(letters: LetterTable) -> None:
    assert not asked(letters, ("shopify.orders/0/3", "delivery-000004"))
    assert not asked(letters, ("shopify.orders/0/3", None))


def test_null_equals_null(letters: LetterTable) -> None:
    letters.land([letter(20, None)], 11)
    assert asked(letters, ("shopify.orders/0/20", None)) == {("shopify.orders/0/20", None)}


def test_only_files_that_may_hold_one_are_opened(
    letters: LetterTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    read = ArrowScan.to_record_batches

    def counted(scan: ArrowScan, tasks: list[FileScanTask]) -> object:
        opened.extend(task.file.file_path for task in tasks)
        return read(scan, tasks)

    monkeypatch.setattr(ArrowScan, "to_record_batches", counted)
    asked(letters, id_of(11), id_of(12))
    assert opened == [], "younger deliveries than any"
    asked(letters, id_of(4))
    assert len(opened) == 1


def test_an_empty_table_holds_none(tmp_path: Path) -> None:
    lake = Lake(tmp_path, DEAD_LETTERS)
    assert landed_ids(lake.table, None, COLUMNS, [id_of(1)]) == set()
