"""analytics.order_summary: orders by hour, currency, place and channel."""

from __future__ import annotations

from datetime import date

import polars as pl

from services.transformer.framework.transform import Frames, Group, Input, Route
from services.transformer.rules.decimals import MONEY, RATE, count, ratio, total
from shared.tables.analytics.order_summary import ORDER_SUMMARY

ORDERS, FIRST_ORDERS = "core.orders", "core.first_orders"

_UNKNOWN = {
    "shipping_country": "Unknown",
    "shipping_country_code": "XX",
    "shipping_state": "Unknown",
    "channel": "Unknown",
}
_GRAIN = ("order_date", "order_hour", "currency", *_UNKNOWN, "source")
_FIRST = ("order_id", "order_date", "order_hour")
_ITEMS = pl.Decimal(10, 2)

_STATUS = pl.col("order_status")
_PRICE = pl.col("total_price")
_ORDERS = pl.col("total_orders")


def build(frames: Frames, as_of: date | None) -> pl.DataFrame:  # noqa: ARG001
    """Orders and first orders of some hours → their figures."""
    orders = frames[ORDERS].with_columns(
        pl.col("created_at").dt.hour().cast(pl.Int32).alias("order_hour"),
        *(pl.col(name).fill_null(text) for name, text in _UNKNOWN.items()),
    )
    # Of its own hour: between two builds the inputs may disagree about when an order was.
    firsts = frames[FIRST_ORDERS].select(*_FIRST).unique().with_columns(is_first=pl.lit(True))
    orders = orders.join(firsts, on=_FIRST, how="left")
    sums = orders.group_by(_GRAIN).agg(
        total_orders=pl.len().cast(pl.Int64),
        completed_orders=count(_STATUS == "completed"),
        cancelled_orders=count(_STATUS == "cancelled"),
        refunded_orders=count(_STATUS == "refunded"),
        pending_orders=count(_STATUS.is_in(["pending_payment", "processing", "open"])),
        unique_customers=pl.col("customer_id").drop_nulls().n_unique().cast(pl.Int64),
        new_customers=count(pl.col("is_first")),
        gross_revenue=total(_PRICE),
        net_revenue=total(_PRICE.filter(~_STATUS.is_in(["cancelled", "refunded"]))),
        total_discounts=total(pl.col("discount_amount")),
        total_shipping=total(pl.col("shipping_amount")),
        total_tax=total(pl.col("tax_amount")),
        orders_with_discount=count(pl.col("has_discount")),
        prices=_PRICE.sum(),
        priced=_PRICE.count().cast(pl.Int64),
        discounts=pl.col("discount_amount").sum(),
        items=pl.col("line_item_count").fill_null(1).cast(pl.Int64).sum(),
    )
    return sums.with_columns(
        returning_customers=pl.col("unique_customers") - pl.col("new_customers"),
        avg_order_value=ratio(pl.col("prices"), pl.col("priced"), MONEY, scale=2),
        avg_discount_per_order=ratio(pl.col("discounts"), _ORDERS, MONEY, scale=2),
        avg_items_per_order=ratio(pl.col("items"), _ORDERS, _ITEMS, scale=0),
        discount_rate=ratio(pl.col("orders_with_discount"), _ORDERS, RATE, scale=0),
        _partition_key=pl.col("order_date").dt.to_string("%Y-%m-%d"),
    ).drop("prices", "priced", "discounts", "items")


TRANSFORM = Group(
    target=ORDER_SUMMARY,
    group=("order_date", "order_hour"),
    routes=(
        Route(
            Input(
                ORDERS,
                (
                    *("order_id", "customer_id", "order_date", "created_at", "currency", "source"),
                    *(*_UNKNOWN, "order_status", "total_price", "discount_amount"),
                    *("shipping_amount", "tax_amount", "line_item_count", "has_discount"),
                ),
            ),
            by={
                "order_date": pl.col("order_date"),
                "order_hour": pl.col("created_at").dt.hour().cast(pl.Int32),
            },
        ),
        Route(
            Input(FIRST_ORDERS, _FIRST),
            by={"order_date": pl.col("order_date"), "order_hour": pl.col("order_hour")},
        ),
    ),
    build=build,
    bound=1_000_000,
)
