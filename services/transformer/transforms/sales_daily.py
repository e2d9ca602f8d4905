"""metadata.sales_daily: sales by day and currency, for days with orders."""

from __future__ import annotations

from datetime import date

import polars as pl

from services.transformer.framework.transform import Frames, Group, Input, Route
from services.transformer.rules.decimals import count, total_of_totals
from shared.tables.sales import SALES_DAILY

SUMMARY, CUSTOMERS = "analytics.order_summary", "metadata.sales_customers_daily"

_GROUP = ("order_date", "currency")
_MONEY = ("gross_revenue", "net_revenue", "total_discounts", "total_shipping", "total_tax")
_COUNTS = (
    *("total_orders", "completed_orders", "cancelled_orders", "refunded_orders"),
    "new_customers",
)
_CHANNELS = ("web", "mobile", "pos", "api")


def build(frames: Frames, as_of: date | None) -> pl.DataFrame:  # noqa: ARG001
    """Summaries and customers of some days → a row for each day and currency.

    Customers are counted from the set, not summed: somebody who orders in two hours is one.
    """
    summary = frames[SUMMARY]
    sums = summary.group_by(_GROUP).agg(
        *(total_of_totals(pl.col(name)).alias(name) for name in _MONEY),
        *(pl.col(name).sum() for name in _COUNTS),
        *(
            pl.col("total_orders")
            .filter(pl.col("channel") == channel)
            .sum()
            .alias(f"{channel}_orders")
            for channel in _CHANNELS
        ),
    )
    customers = (
        frames[CUSTOMERS]
        .group_by(_GROUP)
        .agg(total_customers=count(pl.col("customer_id").is_not_null()))
    )
    return (
        sums.join(customers, on=_GROUP, how="left")
        .join(_top_countries(summary), on=_GROUP, how="left")
        .with_columns(pl.col("total_customers").fill_null(0))
        .with_columns(
            # Between two builds the inputs may be of different moments.
            returning_customers=(pl.col("total_customers") - pl.col("new_customers")).clip(0)
        )
    )


def _top_countries(summary: pl.DataFrame) -> pl.DataFrame:
    return (
        summary.group_by(*_GROUP, top_country="shipping_country")
        .agg(top_country_revenue=total_of_totals(pl.col("gross_revenue")))
        # A sum is null when it is too large to be written, so it is the highest.
        .sort("top_country_revenue", "top_country", descending=[True, False], nulls_last=False)
        .unique(_GROUP, keep="first", maintain_order=True)
    )


TRANSFORM = Group(
    target=SALES_DAILY,
    group=_GROUP,
    routes=(
        Route(
            Input(SUMMARY, (*_GROUP, *_MONEY, *_COUNTS, "channel", "shipping_country")),
            by={name: pl.col(name) for name in _GROUP},
        ),
        Route(
            Input(CUSTOMERS, (*_GROUP, "customer_id")),
            by={name: pl.col(name) for name in _GROUP},
        ),
    ),
    build=build,
    bound=1_000_000,
)
