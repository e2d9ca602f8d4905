"""staging.stg_shopify_orders: the latest version of every order.

An ``orders/delete`` payload holds nothing but the id. It becomes a candidate that loses against
every version and leaves ``deleted_at``, so a deletion never makes the key vanish, whether it comes
before, between or after versions. Which orders count is decided in ``core.orders``.
"""

from __future__ import annotations

import polars as pl

from services.transformer.framework.frames import computed, schema
from services.transformer.framework.transform import Fold, Input
from services.transformer.rules import json_values, refusals
from services.transformer.rules.refusals import accepted
from services.transformer.rules.versions import HAPPENED_AT, LATEST, payload_sha256, together
from services.transformer.tokens import PiiClass, fingerprint, tokens
from shared.tables.staging.shopify_orders import SHOPIFY_ORDERS

DELETION = pl.col("_event_type").eq_missing(pl.lit("orders/delete"))

RULES = (
    refusals.missing_id(pl.col("id")),
    refusals.missing_creation(~DELETION),
    refusals.too_early(),
    refusals.ahead_of_receipt(("_event_time", "updated_at", "created_at")),
)

_AS_THEY_ARE = (
    *("order_number", "customer_id", "subtotal_price", "total_discounts", "total_tax"),
    *("total_price", "total_outstanding", "current_subtotal_price", "current_total_price"),
    *("current_total_tax", "financial_status", "fulfillment_status", "source_name"),
    *("referring_site", "landing_site", "created_at", "updated_at", "processed_at"),
    *("cancelled_at", "closed_at", "_event_time", "_event_id", "_loaded_at"),
)
_JSON = (
    *("total_shipping_price_set", "line_items", "discount_codes"),
    *("shipping_address", "billing_address"),
)

RAW = Input(
    "raw.shopify_orders",
    (
        *("id", "name", "email", "phone", "currency", *_AS_THEY_ARE, *_JSON),
        *("test", "taxes_included", "tax_exempt", "buyer_accepts_marketing"),
        *("_event_type", "_received_at", "_timestamp", "_payload", "_error"),
    ),
    where=pl.col("_error").is_null(),
)

_PAID = pl.col("financial_status") == "paid"
_FULFILLMENT = pl.col("fulfillment_status")

ORDER_STATUS = (
    pl.when(pl.col("cancelled_at").is_not_null())
    .then(pl.lit("cancelled"))
    .when(pl.col("financial_status").is_in(["refunded", "partially_refunded"]))
    .then(pl.lit("refunded"))
    .when(_PAID & (_FULFILLMENT == "fulfilled"))
    .then(pl.lit("completed"))
    .when(_PAID & (_FULFILLMENT.is_null() | (_FULFILLMENT == "partial")))
    .then(pl.lit("processing"))
    .when(pl.col("financial_status").is_in(["pending", "authorized"]))
    .then(pl.lit("pending_payment"))
    .otherwise(pl.lit("open"))
)


def stage(rows: pl.DataFrame) -> pl.DataFrame:
    """Raw rows → candidates, refused ones left out."""
    rows = accepted(rows, RULES)
    return together(
        [_versions(rows.filter(~DELETION)), _deletions(rows.filter(DELETION))],
        schema(SHOPIFY_ORDERS, computed(SHOPIFY_ORDERS)),
    )


def _deletions(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("_loaded_at", order_id="id", deleted_at=HAPPENED_AT)


def _versions(rows: pl.DataFrame) -> pl.DataFrame:
    country, code, province, city = json_values.members(
        rows["shipping_address"], ("country", "country_code", "province", "city")
    )
    billing_country, billing_code = json_values.members(
        rows["billing_address"], ("country", "country_code")
    )
    return rows.select(
        *_AS_THEY_ARE,
        *(pl.col(flag).fill_null(value=False) for flag in _FLAGS),
        order_id="id",
        order_name="name",
        currency=pl.col("currency").str.strip_chars().str.to_uppercase(),
        customer_email_token=tokens(PiiClass.EMAIL, rows["email"]),
        customer_phone_token=tokens(PiiClass.PHONE, rows["phone"]),
        total_shipping=json_values.shop_amounts(rows["total_shipping_price_set"]),
        order_status=ORDER_STATUS,
        line_item_count=json_values.lengths(rows["line_items"]),
        discount_count=json_values.lengths(rows["discount_codes"]),
        has_discount=(pl.col("total_discounts") > 0).fill_null(value=False),
        is_cancelled=pl.col("cancelled_at").is_not_null(),
        is_test=pl.col("test").fill_null(value=False),
        shipping_country=country,
        shipping_country_code=code,
        shipping_province=province,
        shipping_city=city,
        billing_country=billing_country,
        billing_country_code=billing_code,
        _raw_id="id",
        _webhook_topic="_event_type",
        _payload_sha256=payload_sha256(rows["_payload"]),
    )


_FLAGS = ("taxes_included", "tax_exempt", "buyer_accepts_marketing")

TRANSFORM = Fold(
    target=SHOPIFY_ORDERS,
    source=RAW,
    stage=stage,
    latest=LATEST,
    maxima=("deleted_at",),
    minima=("_loaded_at",),
    by={"order_id": pl.col("id")},
    dated="created_at",
    context=fingerprint,
)
