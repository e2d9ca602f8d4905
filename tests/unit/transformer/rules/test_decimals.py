"""Ratios are exact and rounded half-up; what does not fit is null."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transformer.rules.decimals import MONEY, RATE, count, ratio, total

CENTS = st.integers(-(10**18) + 1, 10**18 - 1).map(lambda cents: Decimal(cents) / 100)
GREATEST = Decimal("9999999999999999.99")


def quotient(amount: Decimal | None, parts: int | None) -> Decimal | None:
    frame = pl.DataFrame(
        {"amount": [amount], "parts": [parts]}, schema={"amount": MONEY, "parts": pl.Int64}
    )
    found = frame.select(ratio(pl.col("amount"), pl.col("parts"), MONEY, scale=2))
    assert found.schema.dtypes() == [MONEY]
    value: Decimal | None = found.item()
    return value


@pytest.mark.parametrize(
    ("amount", "parts", "expected"),
    [
        ("0.05", 2, "0.03"), ("0.01", 2, "0.01"), ("0.03", 2, "0.02"), ("-0.01", 2, "-0.01"),
        ("-0.03", 2, "-0.02"), ("1.00", 3, "0.33"), ("2.00", 3, "0.67"), ("0.00", 7, "0.00"),
        ("9999999999999999.99", 1, "9999999999999999.99"),
    ],
)  # fmt: skip
def test_half_is_rounded_away_from_zero(amount: str, parts: int, expected: str) -> None:
    assert quotient(Decimal(amount), parts) == Decimal(expected)


@pytest.mark.parametrize(("amount", "parts"), [("1", 0), ("1", None), (None, 1), (None, 0)])
def test_without_a_denominator_or_an_amount_there_is_none(
    amount: str | None, parts: int | None
) -> None:
    assert quotient(None if amount is None else Decimal(amount), parts) is None


@settings(deadline=None)
@given(CENTS, st.integers(1, 2**62))
def test_it_is_what_decimal_arithmetic_says(amount: Decimal, parts: int) -> None:
    exact = Decimal((amount * 100).to_integral_value())
    rounded = (exact / parts).quantize(Decimal(1), ROUND_HALF_UP) / 100
    assert quotient(amount, parts) == rounded


def test_a_rate_that_does_not_fit_is_null() -> None:
    frame = pl.DataFrame({"some": [1, 9, 10], "all": [3, 1, 1]})
    found = frame.select(ratio(pl.col("some"), pl.col("all"), RATE, scale=0)).to_series()
    assert found.to_list() == [Decimal("0.3333"), Decimal(9), None]


def test_a_sum_that_does_not_fit_is_null_and_alone() -> None:
    frame = pl.DataFrame(
        {"group": [1, 1, 2, 2, 3], "amount": [GREATEST, Decimal("0.01"), GREATEST, None, None]},
        schema={"group": pl.Int64, "amount": MONEY},
    )
    found = frame.group_by("group").agg(total(pl.col("amount"))).sort("group")
    assert found["amount"].to_list() == [None, GREATEST, Decimal(0)]
    assert found.schema["amount"] == MONEY


def test_null_is_not_counted() -> None:
    frame = pl.DataFrame({"yes": [True, None, False, True]})
    assert frame.select(count(pl.col("yes"))).item() == 2
