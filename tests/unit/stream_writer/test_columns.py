"""Whole columns are cast at once; the values that do not fit are found and repaired."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.stream_writer.parsing.columns import build, cast
from services.stream_writer.parsing.values import Plain
from shared.tables.spec import Column, Type

PRICE = Column("price", Type.DECIMAL_18_2, 1, ("price",))


def repaired(values: list[Plain]) -> tuple[list[object], list[int]]:
    """The column and the rows for which repair was asked."""
    asked: list[int] = []

    def repair(row: int) -> Plain:
        asked.append(row)
        return "1.00" if values[row] == "1.00" else None

    return build(PRICE, values, repair).to_pylist(), sorted(asked)


def test_repair_is_not_asked_when_all_fit() -> None:
    assert repaired(["1.00"] * 100)[1] == []


@pytest.mark.parametrize("odd", [[0], [999], [0, 1, 500, 998]])
def test_repair_is_asked_for_exactly_the_few_that_do_not_fit(odd: list[int]) -> None:
    values: list[Plain] = ["1.00"] * 1000
    for row in odd:
        values[row] = "x"
    column, asked = repaired(values)
    assert asked == odd
    assert [row for row, value in enumerate(column) if value is None] == odd


def test_when_most_do_not_fit_each_row_is_asked_at_most_once() -> None:
    values: list[Plain] = ["x" if row % 3 else "1.00" for row in range(2000)]
    column, asked = repaired(values)
    assert len(set(asked)) == len(asked)
    assert [row for row, value in enumerate(column) if value is None] == [
        row for row in range(2000) if row % 3
    ]


def test_numbers_among_texts_are_written_as_they_were() -> None:
    column = Column("it", Type.STRING, 1, ("it",))
    assert cast(column, ["a", 42, None, -7, 10**30]).to_pylist() == [
        "a", "42", None, "-7", "1" + "0" * 30,
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["5e-2995", "5E-2995", "1e2"])
def test_exponents_are_left_to_repair(text: str) -> None:
    # Arrow would make 0.00 of the first two.
    column, asked = repaired(["1.00", text, None])
    assert (column, asked) == ([Decimal("1.00"), None, None], [1])
