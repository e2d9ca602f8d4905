"""What is announced several times is landed once, whoever lands it; the books balance."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.contracts.topics import DEAD_LETTERS as TOPIC
from shared.lake.balance import Counted, weigh
from shared.lake.commit import Result
from shared.lake.position import Stretch
from shared.tables.metadata import DEAD_LETTERS
from tests.support.lake import Lake
from tests.support.letters import LetterTable, announced, letter, request, work
from tests.support.records import FetchedRecord


@pytest.fixture
def letters(tmp_path: Path) -> LetterTable:
    return LetterTable(Lake(tmp_path, DEAD_LETTERS))


def ids(letters: LetterTable) -> list[str]:
    return [id_ for (id_,) in letters.rows("_event_id")]


def test_the_bytes_are_stored_as_they_were(letters: LetterTable) -> None:
    letters.land([letter(7)], 0)
    row = letters.rows("_event_id", "value", "reason", "offset", "vendor_event_id")
    assert row == [("shopify.orders/0/7", b"\xff\x00 7", "invalid_json", 7, "event-7")]


def test_a_repetition_is_a_gap_and_no_row(letters: LetterTable) -> None:
    letters.land([letter(1), letter(2)], 0)
    letters.land([letter(2), letter(3), letter(1)], 2)
    assert ids(letters) == ["shopify.orders/0/1", "shopify.orders/0/2", "shopify.orders/0/3"]
    assert letters.lake.positions.partitions[TOPIC, 0].stretches == (Stretch(0, 5, 3, 2, 0),)
    assert letters.lake.head.summary["bergline.repeats"] == "2"


def test_a_restarted_writer_knows_what_its_predecessor_landed(letters: LetterTable) -> None:
    letters.land([letter(1)], 0)
    letters.another()
    letters.land([letter(1)], 1)
    assert ids(letters) == ["shopify.orders/0/1"]
    assert letters.lake.positions.next_offset(TOPIC, 0) == 2


def test_what_another_worker_commits_meanwhile_is_known(letters: LetterTable) -> None:
    """Both hold an announcement of one letter, each from a partition of its own."""
    letters.land([letter(9)], 0)
    first, second = letters.writer, letters.another()
    first.first_seen[TOPIC, 1] = second.first_seen[TOPIC, 2] = 0
    ours = first.prepare(work([announced(letter(1), 0)], 0, partition=1))
    first.positions()  # what it remembers is older than what the other one commits now
    second.write(second.prepare(work([announced(letter(1), 0)], 0, partition=2)), None)
    outcome = first.write(ours, None)
    assert outcome.conflicts == 1, "it must have decided twice"
    assert ids(letters).count("shopify.orders/0/1") == 1
    assert letters.lake.positions.next_offset(TOPIC, 1) == 1


def test_a_batch_of_repetitions_alone_writes_no_file(letters: LetterTable) -> None:
    letters.land([letter(1)], 0)
    outcome = letters.land([letter(1), letter(1)], 1)
    assert outcome.result is Result.COMMITTED
    assert "added-data-files" not in letters.lake.head.summary
    assert letters.lake.positions.next_offset(TOPIC, 0) == 3


def test_a_position_of_another_log_is_another_letter(letters: LetterTable) -> None:
    letters.land([letter(1), letter(1, "another delivery")], 0)
    assert ids(letters) == ["shopify.orders/0/1"] * 2


def test_letters_without_a_delivery_and_of_requests_are_told_apart(letters: LetterTable) -> None:
    letters.land([letter(1, None), request(1), letter(2, None)], 0)
    letters.land([request(1), letter(1, None), request(2)], 3)
    assert ids(letters) == [
        "shopify.orders/0/1", "refused-000001", "shopify.orders/0/2", "refused-000002",
    ]  # fmt: skip


def test_what_is_no_dead_letter_is_a_row_however_often_it_comes(letters: LetterTable) -> None:
    nonsense = FetchedRecord(b"not json", 0, 0, 1_767_323_046_000, headers=())
    for start in (0, 2):
        letters.writer.write(letters.writer.prepare(work([nonsense] * 2, start)), None)
    assert letters.rows("_error", "_payload") == [("invalid_json", "not json")] * 4
    assert letters.lake.positions.partitions[TOPIC, 0].stretches == (Stretch(0, 4, 4, 0, 4),)


def test_the_ledger_balances_with_what_was_left_out(letters: LetterTable) -> None:
    letters.land([letter(1), letter(1), letter(2)], 0)
    stretches = letters.lake.positions.partitions[TOPIC, 0].stretches
    assert weigh((TOPIC, 0), stretches, Counted(2, 0, 2)).findings == ()
