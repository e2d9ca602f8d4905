"""metadata.sales_customers_daily: who ordered on a day."""

from __future__ import annotations

from datetime import date

import polars as pl

from services.transformer.framework.transform import Frames, Group, Input, Route
from shared.tables.sales import SALES_CUSTOMERS_DAILY

ORDERS = "core.orders"
_GROUP = ("order_date", "currency", "customer_id")


def build(frames: Frames, as_of: date | None) -> pl.DataFrame:  # noqa: ARG001
    """Orders → how many each customer placed on each day in each currency."""
    return frames[ORDERS].group_by(_GROUP).agg(total_orders=pl.len().cast(pl.Int64))


TRANSFORM = Group(
    target=SALES_CUSTOMERS_DAILY,
    group=_GROUP,
    routes=(
        Route(
            Input(ORDERS, _GROUP, where=pl.col("customer_id").is_not_null()),
            by={name: pl.col(name) for name in _GROUP},
        ),
    ),
    build=build,
    bound=100_000,
)
