"""Decimals without floats: sums that may not fit, ratios rounded half-up.

polars rounds half to even and its means are floats, so ratios are computed on integers of the
smallest unit, in 128 bits. Half-up is half away from zero, as in SQL.
"""

from __future__ import annotations

from decimal import Decimal

import polars as pl

MONEY = pl.Decimal(18, 2)
RATE = pl.Decimal(5, 4)


def total(amounts: pl.Expr) -> pl.Expr:
    """Sum of money in an aggregation, null counted as 0; null when it does not fit the type."""
    return amounts.sum().cast(MONEY, strict=False)


def total_of_totals(amounts: pl.Expr) -> pl.Expr:
    """Sum of sums in an aggregation: null when one of them, or theirs, did not fit."""
    return pl.when(amounts.null_count() == 0).then(total(amounts))


def count(condition: pl.Expr) -> pl.Expr:
    """In an aggregation: how many rows it holds for; null is no."""
    return condition.sum().cast(pl.Int64)


def ratio(numerator: pl.Expr, denominator: pl.Expr, dtype: pl.Decimal, *, scale: int) -> pl.Expr:
    """``numerator / denominator``, half-up; null without a denominator, or when it does not fit.

    Args:
        numerator: integer or decimal.
        denominator: integer, not negative.
        dtype: decimal type of the result.
        scale: decimal places of the numerator, 0 for integers.
    """
    units = numerator.to_physical().cast(pl.Int128) * 10 ** (dtype.scale - scale)
    parts = pl.when(denominator > 0).then(denominator).cast(pl.Int128)
    rounded = (units.abs() * 2 + parts) // (parts * 2) * units.sign()
    return from_units(rounded, dtype)


def from_units(units: pl.Expr, dtype: pl.Decimal) -> pl.Expr:
    """Integers of the smallest unit as decimals; null when they do not fit."""
    one = Decimal(1).scaleb(-dtype.scale)
    return (units.cast(pl.Decimal(38, 0), strict=False) * pl.lit(one)).cast(dtype, strict=False)
