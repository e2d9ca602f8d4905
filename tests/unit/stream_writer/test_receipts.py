"""When the oldest of some rows was accepted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from services.stream_writer.receipts import oldest_receipt

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def rows(*of: tuple[int | None, bool]) -> pa.Table:
    """Seconds after noon of each row's receipt, and whether it had landed before."""
    return pa.table(
        {
            "_received_at": pa.array(
                [None if s is None else NOON + timedelta(seconds=s) for s, _ in of],
                pa.timestamp("us", "UTC"),
            ),
            "_replayed": pa.array([replayed for _, replayed in of], pa.bool_()),
        }
    )


def oldest(table: pa.Table, *parts: tuple[int, int]) -> float | None:
    found = oldest_receipt(table, parts or [(0, table.num_rows)])
    return None if found is None else (found - NOON).total_seconds()


def test_it_is_that_of_the_rows_that_are_committed() -> None:
    table = rows((5, False), (3, False), (1, False), (9, False))
    assert oldest(table) == 1
    assert oldest(table, (0, 2), (3, 1)) == 3, "the others were landed before"
    assert oldest(table, (3, 1)) == 9


def test_what_had_landed_before_is_not_late() -> None:
    assert oldest(rows((1, True), (4, False))) == 4
    assert oldest(rows((1, True))) is None


def test_foreign_records_say_nothing() -> None:
    assert oldest(rows((None, False))) is None
    assert oldest(rows((None, False), (2, False))) == 2
    assert oldest(rows()) is None
