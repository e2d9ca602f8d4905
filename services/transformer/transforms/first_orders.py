"""core.first_orders: since when somebody is a customer.

Apart from order_summary, because a cancellation or a deletion moves "new customer" to another hour.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from services.transformer.framework.transform import Frames, Group, Input, Route
from shared.tables.core.first_orders import FIRST_ORDERS

ORDERS = "core.orders"


def build(frames: Frames, as_of: date | None) -> pl.DataFrame:  # noqa: ARG001
    """Orders of customers → the first order of each."""
    return (
        frames[ORDERS]
        .sort("created_at", "order_id")
        .unique("customer_id", keep="first", maintain_order=True)
        .select(
            "customer_id",
            "order_id",
            "order_date",
            pl.col("created_at").dt.hour().cast(pl.Int32).alias("order_hour"),
            "created_at",
        )
    )


TRANSFORM = Group(
    target=FIRST_ORDERS,
    group=("customer_id",),
    routes=(
        Route(
            Input(
                ORDERS,
                ("order_id", "customer_id", "is_cancelled", "order_date", "created_at"),
                where=pl.col("customer_id").is_not_null() & ~pl.col("is_cancelled"),
            ),
            by={"customer_id": pl.col("customer_id")},
            dated="created_at",
        ),
    ),
    build=build,
    bound=100_000,
)
