"""core.orders: the orders that count.

Staging keeps every key; here it is decided which of them are orders. Left out are tests, orders
that the vendor deleted (a deletion is final, ids are not used again) and orders of which nothing
but the deletion is known. What is left out here is in no figure below, and comes back when a later
version says otherwise.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from services.transformer.framework.transform import Frames, Group, Input, Route
from services.transformer.potential_ids import potential_ids
from shared.tables.core.orders import ORDERS

STAGED = "staging.stg_shopify_orders"
CUSTOMERS = "shopify_customers"
"""The source in whose ids an order names its customer."""

NO_CURRENCY = "XXX"
"""ISO 4217's code for it."""

_AS_THEY_ARE = (
    *("order_number", "order_name", "customer_email_token", "customer_phone_token"),
    *("order_status", "financial_status", "fulfillment_status", "subtotal_price", "total_price"),
    *("total_outstanding", "line_item_count", "discount_count", "has_discount", "is_cancelled"),
    *("is_test", "taxes_included", "tax_exempt", "buyer_accepts_marketing", "shipping_country"),
    *("shipping_country_code", "shipping_city", "billing_country", "billing_country_code"),
    *("referring_site", "landing_site", "created_at", "updated_at", "processed_at"),
    *("cancelled_at", "closed_at"),
)
_RENAMED = {
    "discount_amount": "total_discounts",
    "shipping_amount": "total_shipping",
    "tax_amount": "total_tax",
    "current_subtotal": "current_subtotal_price",
    "current_total": "current_total_price",
    "shipping_state": "shipping_province",
    "channel": "source_name",
    "source_order_id": "order_id",
}

COUNTS = (
    pl.col("deleted_at").is_null()
    & pl.col("created_at").is_not_null()
    & ~pl.col("is_test").fill_null(value=False)
)


def build(frames: Frames, as_of: date | None) -> pl.DataFrame:  # noqa: ARG001
    """Staged orders → those that count, in the business's words."""
    staged = frames[STAGED].filter(COUNTS)
    source_customer_id = staged["customer_id"].cast(pl.String)
    currency = pl.col("currency")
    return staged.select(
        *_AS_THEY_ARE,
        **{name: pl.col(original) for name, original in _RENAMED.items()},
        order_id=ORDER_ID,
        source=pl.lit("shopify"),
        customer_id=potential_ids(CUSTOMERS, source_customer_id),
        source_customer_id=source_customer_id,
        currency=pl.when(currency.str.len_chars() > 0)
        .then(currency)
        .otherwise(pl.lit(NO_CURRENCY)),
        order_date=pl.col("created_at").dt.date(),
    )


ORDER_ID = pl.format("shopify_{}", pl.col("order_id"))

TRANSFORM = Group(
    target=ORDERS,
    group=("order_id",),
    routes=(
        Route(
            Input(
                STAGED,
                (*_AS_THEY_ARE, *_RENAMED.values(), "customer_id", "currency", "deleted_at"),
            ),
            by={"order_id": ORDER_ID},
            whole=True,
            dated="created_at",
        ),
    ),
    build=build,
    bound=1,
)
