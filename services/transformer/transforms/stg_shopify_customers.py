"""staging.stg_shopify_customers: the latest version of every customer.

``customers/delete`` leaves ``deleted_at``, as with orders. ``customers/redact`` asks to erase:
its candidate has nothing but the id and ``redacted_at``, and that column comes first in the order,
so it wins against every version, the later ones too, and all else stays null for ever.
``customers/data_request`` and ``shop/redact`` say nothing about a customer and are left alone.
"""

from __future__ import annotations

import polars as pl

from services.transformer.framework.frames import computed, schema
from services.transformer.framework.transform import Fold, Input
from services.transformer.rules import json_values, refusals
from services.transformer.rules.decimals import MONEY, ratio
from services.transformer.rules.refusals import accepted
from services.transformer.rules.versions import (
    HAPPENED_AT,
    LATEST,
    RECEIVED_AT,
    payload_sha256,
    together,
)
from services.transformer.tokens import PiiClass, fingerprint, tokens
from shared.tables.staging.shopify_customers import SHOPIFY_CUSTOMERS

DELETION = pl.col("_event_type").eq_missing(pl.lit("customers/delete"))
REDACTION = pl.col("_event_type").eq_missing(pl.lit("customers/redact"))
SILENT = pl.col("_event_type").is_in(["customers/data_request", "shop/redact"])

CUSTOMER_ID = pl.when(REDACTION).then("redacted_customer_id").otherwise("id")

RULES = (
    refusals.missing_id(CUSTOMER_ID),
    refusals.too_early(),
    refusals.ahead_of_receipt(("_event_time", "updated_at", "created_at")),
)

ABOUT_CUSTOMERS = pl.col("_error").is_null() & ~SILENT.fill_null(value=False)

_AS_THEY_ARE = (
    *("total_spent", "orders_count", "marketing_opt_in_level", "state", "note", "tags"),
    *("accepts_marketing_updated_at", "created_at", "updated_at"),
    *("_event_time", "_event_id", "_loaded_at"),
)
_FLAGS = ("accepts_marketing", "verified_email", "tax_exempt")
_PLACE = ("city", "province", "province_code", "country", "country_code", "zip")

RAW = Input(
    "raw.shopify_customers",
    (
        *("id", "redacted_customer_id", "email", "first_name", "last_name", "phone", "currency"),
        *("default_address", "addresses", *_AS_THEY_ARE, *_FLAGS),
        *("_event_type", "_received_at", "_timestamp", "_payload", "_error"),
    ),
    where=ABOUT_CUSTOMERS,
)

_SPENT = pl.col("total_spent")

CUSTOMER_TIER = (
    pl.when(_SPENT >= 1000)
    .then(pl.lit("vip"))
    .when(_SPENT >= 500)
    .then(pl.lit("gold"))
    .when(_SPENT >= 100)
    .then(pl.lit("silver"))
    .when(_SPENT > 0)
    .then(pl.lit("bronze"))
    .otherwise(pl.lit("new"))
)

AVG_ORDER_VALUE = (
    pl.when(pl.col("orders_count") > 0)
    .then(ratio(_SPENT, pl.col("orders_count"), MONEY, scale=2))
    .otherwise(pl.lit(0).cast(MONEY))
)


def stage(rows: pl.DataFrame) -> pl.DataFrame:
    """Raw rows → candidates, refused ones left out."""
    rows = accepted(rows, RULES)
    tombstone = [
        pl.col("_loaded_at"),
        CUSTOMER_ID.alias("customer_id"),
        RECEIVED_AT.alias("_first_received_at"),
    ]
    return together(
        [
            _versions(rows.filter(~DELETION & ~REDACTION)),
            rows.filter(DELETION).select(*tombstone, deleted_at=HAPPENED_AT),
            rows.filter(REDACTION).select(*tombstone, redacted_at=HAPPENED_AT),
        ],
        schema(SHOPIFY_CUSTOMERS, computed(SHOPIFY_CUSTOMERS)),
    )


def _versions(rows: pl.DataFrame) -> pl.DataFrame:
    line1, line2, *place = json_values.members(
        rows["default_address"], ("address1", "address2", *_PLACE)
    )
    addresses = json_values.lengths(rows["addresses"])
    only_default = (addresses == 0) & json_values.is_object(rows["default_address"])
    names = rows.select(
        first=pl.col("first_name").str.strip_chars().fill_null(""),
        last=pl.col("last_name").str.strip_chars().fill_null(""),
    )
    full = (names["first"] + " " + names["last"]).str.strip_chars()
    return rows.select(
        *_AS_THEY_ARE,
        *(pl.col(flag).fill_null(value=False) for flag in _FLAGS),
        *place,
        customer_id="id",
        email_token=tokens(PiiClass.EMAIL, rows["email"]),
        first_name_token=tokens(PiiClass.NAME, names["first"]),
        last_name_token=tokens(PiiClass.NAME, names["last"]),
        full_name_token=tokens(PiiClass.NAME, full),
        phone_token=tokens(PiiClass.PHONE, rows["phone"]),
        last_name_prefix_token=tokens(PiiClass.NAME_PREFIX, names["last"].str.slice(0, 3)),
        address_line1_token=tokens(PiiClass.ADDRESS, line1),
        address_line2_token=tokens(PiiClass.ADDRESS, line2),
        currency=pl.col("currency").str.strip_chars().str.to_uppercase(),
        avg_order_value=AVG_ORDER_VALUE,
        customer_tier=CUSTOMER_TIER,
        is_active=(pl.col("state") == "enabled").fill_null(value=False),
        address_count=addresses + only_default.cast(pl.Int32),
        _raw_id="id",
        _webhook_topic="_event_type",
        _payload_sha256=payload_sha256(rows["_payload"]),
        _first_received_at=RECEIVED_AT,
    )


TRANSFORM = Fold(
    target=SHOPIFY_CUSTOMERS,
    source=RAW,
    stage=stage,
    latest=("redacted_at", *LATEST),
    maxima=("deleted_at",),
    minima=("_first_received_at", "_loaded_at"),
    by={"customer_id": CUSTOMER_ID},
    dated="created_at",
    context=fingerprint,
)
