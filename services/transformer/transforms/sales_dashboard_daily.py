"""marts.sales_dashboard_daily: sales over a calendar without gaps.

A day's row looks at the 29 days before it, so the group is a currency: a row a day is little to
compute, and only rows that differ are written.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from services.transformer.framework.transform import Frames, Group, Input, Route
from services.transformer.rules.decimals import MONEY, RATE, ratio
from shared.tables.marts.sales_dashboard_daily import SALES_DASHBOARD_DAILY

SALES = "metadata.sales_daily"

_MONEY = ("gross_revenue", "net_revenue", "total_discounts", "total_shipping", "total_tax")
_COUNTS = (
    *("total_orders", "completed_orders", "cancelled_orders", "refunded_orders"),
    *("total_customers", "new_customers", "returning_customers"),
    *("web_orders", "mobile_orders", "pos_orders", "api_orders"),
)
_TOP = ("top_country", "top_country_revenue")
_ORDERS_MEAN = pl.Decimal(10, 2)

_DATE = pl.col("date_key")


def build(frames: Frames, as_of: date | None) -> pl.DataFrame:
    """Sales of some currencies → a row for each of their days from the first to ``as_of``.

    Without ``as_of`` the calendar ends with the last day that has orders.
    """
    sales = frames[SALES].rename({"order_date": "date_key"})
    days = _calendar(sales, as_of).join(sales, on=["currency", "date_key"], how="left")
    known = pl.col("total_orders").is_not_null()
    rows = days.sort("currency", "date_key").with_columns(
        *(
            pl.when(known).then(name).otherwise(pl.lit(0)).cast(MONEY).alias(name)
            for name in _MONEY
        ),
        *(pl.col(name).fill_null(0) for name in _COUNTS),
    )
    return rows.select(
        "date_key",
        "currency",
        *_calendar_columns(),
        *_MONEY,
        *_COUNTS,
        *_TOP,
        avg_order_value=ratio(pl.col("gross_revenue"), pl.col("total_orders"), MONEY, scale=2),
        new_customer_pct=ratio(pl.col("new_customers"), pl.col("total_customers"), RATE, scale=0),
        payment_volume=pl.lit(None, MONEY),
        successful_payments=pl.lit(None, pl.Int64),
        failed_payments=pl.lit(None, pl.Int64),
        payment_success_rate=pl.lit(None, RATE),
        revenue_7d_avg=_mean(pl.col("gross_revenue"), 7, MONEY, scale=2),
        revenue_30d_avg=_mean(pl.col("gross_revenue"), 30, MONEY, scale=2),
        orders_7d_avg=_mean(pl.col("total_orders"), 7, _ORDERS_MEAN, scale=0),
    )


def _calendar(sales: pl.DataFrame, as_of: date | None) -> pl.DataFrame:
    last = pl.col("last") if as_of is None else pl.lit(as_of)
    return (
        sales.group_by("currency")
        .agg(first=_DATE.min(), last=_DATE.max())
        .filter(pl.col("first") <= last)
        .select("currency", date_key=pl.date_ranges("first", last))
        .explode("date_key")
    )


def _calendar_columns() -> list[pl.Expr]:
    sunday_first = _DATE.dt.weekday().cast(pl.Int32) % 7 + 1
    return [
        sunday_first.alias("day_of_week"),
        _DATE.dt.to_string("%A").alias("day_name"),
        _DATE.dt.week().cast(pl.Int32).alias("week_of_year"),
        _DATE.dt.to_string("%Y-%m").alias("month_key"),
        pl.format("{}-Q{}", _DATE.dt.to_string("%Y"), _DATE.dt.quarter()).alias("quarter_key"),
        _DATE.dt.year().alias("year_key"),
        sunday_first.is_in([1, 7]).alias("is_weekend"),
    ]


def _mean(values: pl.Expr, days: int, dtype: pl.Decimal, *, scale: int) -> pl.Expr:
    """Mean over a row and the ``days - 1`` rows before it, fewer where the calendar begins.

    Null when one of them is. Rows are ordered by currency and day.
    """
    summed = _window(values.to_physical().cast(pl.Int128).fill_null(0), days)
    unknown = _window(values.is_null().cast(pl.Int64), days)
    behind = pl.col("date_key").cum_count().over("currency").clip(upper_bound=days)
    known = pl.when(unknown == 0).then(summed)
    return ratio(known, behind.cast(pl.Int64), dtype, scale=scale)


def _window(values: pl.Expr, days: int) -> pl.Expr:
    so_far = values.cum_sum()
    return (so_far - so_far.shift(days, fill_value=0)).over("currency")


TRANSFORM = Group(
    target=SALES_DASHBOARD_DAILY,
    group=("currency",),
    routes=(
        Route(
            Input(SALES, ("order_date", "currency", *_MONEY, *_COUNTS, *_TOP)),
            by={"currency": pl.col("currency")},
        ),
    ),
    build=build,
    bound=40_000,
)
