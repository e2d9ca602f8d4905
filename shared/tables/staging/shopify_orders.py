"""The latest version of every Shopify order."""

from __future__ import annotations

from shared.tables.derived import derived_table, several
from shared.tables.spec import Derivation, Grain, Kind, Partitioning, Type
from shared.tables.staging.versions import DELETED_AT, LOADED_AT, ORDERING, STAGED_AT

SHOPIFY_ORDERS = derived_table(
    "staging.stg_shopify_orders",
    "The latest version of every Shopify order, identifiers as tokens. Of an order known only by "
    "its deletion every column but id, deletion and load time is null. Never loses a key.",
    (
        ("order_id", Type.LONG, "Shopify's id."),
        *several(Type.LONG, "order_number customer_id"),
        ("customer_email_token", Type.STRING, "Token of the e-mail address."),
        ("customer_phone_token", Type.STRING, "Token of the phone number."),
        *several(Type.STRING, "order_name"),
        ("currency", Type.STRING, "ISO 4217, upper case."),
        *several(Type.DECIMAL_18_2, "subtotal_price total_discounts total_tax total_price"),
        *several(Type.DECIMAL_18_2, "total_outstanding current_subtotal_price"),
        *several(Type.DECIMAL_18_2, "current_total_price current_total_tax"),
        (
            "total_shipping",
            Type.DECIMAL_18_2,
            "Shipping in the shop's currency; 0 where the payload has none, null where it is no "
            "amount of two decimal places.",
        ),
        *several(Type.STRING, "financial_status fulfillment_status"),
        (
            "order_status",
            Type.STRING,
            "The first that holds: cancelled, refunded (partially, too), completed (paid and "
            "fulfilled), processing (paid, not or partly fulfilled), pending_payment (pending or "
            "authorized), open.",
        ),
        ("line_item_count", Type.INT, "Elements of line_items."),
        ("discount_count", Type.INT, "Elements of discount_codes."),
        ("has_discount", Type.BOOLEAN, "Whether total_discounts is above 0; null counts as no."),
        ("is_cancelled", Type.BOOLEAN, "Whether cancelled_at is known."),
        ("is_test", Type.BOOLEAN, "A test order; null counts as no."),
        *several(Type.BOOLEAN, "taxes_included tax_exempt buyer_accepts_marketing"),
        *several(Type.STRING, "shipping_country shipping_country_code shipping_province"),
        *several(Type.STRING, "shipping_city billing_country billing_country_code"),
        *several(Type.STRING, "source_name referring_site landing_site"),
        *several(Type.TIMESTAMP, "created_at updated_at processed_at cancelled_at closed_at"),
        DELETED_AT,
        ("_raw_id", Type.LONG, "The id in the raw table."),
        ("_webhook_topic", Type.STRING, "Topic of the version's webhook."),
        *ORDERING,
        LOADED_AT,
        STAGED_AT,
    ),
    Derivation(
        kind=Kind.FOLD,
        reads=("raw.shopify_orders",),
        key=("order_id",),
        sort=("order_id",),
        stamped=("_staged_at",),
    ),
    Partitioning("created_at", Grain.MONTH),
    required=frozenset({"order_id"}),
)
