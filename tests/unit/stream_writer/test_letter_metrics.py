"""Dead letters are counted as rows, by labels that nobody else can choose."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.stream_writer.letter_metrics import LetterMetrics
from shared.runtime.metrics import Instruments
from shared.tables.metadata import DEAD_LETTERS
from tests.support.lake import EVENTS, Lake
from tests.support.letters import LetterTable, announced, letter, request, work


@pytest.fixture
def letters(tmp_path: Path) -> LetterTable:
    return LetterTable(Lake(tmp_path, DEAD_LETTERS))


def counted(letters: LetterTable, table: str = DEAD_LETTERS.name) -> dict[str, float]:
    """What the metrics say once these announcements were landed: one twice, one of a stranger."""
    stranger = letter(3, topic="made.up").model_copy(update={"reason": "made up"})
    told = [letter(1), letter(2), letter(1), request(1), stranger]
    prepared = letters.writer.prepare(work([announced(each, 0) for each in told], 0))
    letters.writer.write(prepared, None)
    instruments = Instruments("stream_writer")
    LetterMetrics(instruments).committed(table, prepared)
    lines = instruments.exposition().decode().splitlines()
    values = (line.rsplit(" ", 1) for line in lines if line.startswith("lakehouse_dead_letters_"))
    return {name: float(value) for name, value in values if float(value)}


def test_each_letter_counts_once(letters: LetterTable) -> None:
    landed = "lakehouse_dead_letters_landed_total"
    assert counted(letters) == {
        f'{landed}{{reason="invalid_json",topic="shopify.orders"}}': 2,
        f'{landed}{{reason="missing_id",topic="stripe.charges"}}': 1,
        f'{landed}{{reason="other",topic="other"}}': 1,
        "lakehouse_dead_letters_repeated_total": 1,
    }


def test_rows_of_other_tables_are_none(letters: LetterTable) -> None:
    assert counted(letters, EVENTS.name) == {}
