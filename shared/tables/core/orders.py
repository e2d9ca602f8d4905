"""Orders that count, from all vendors."""

from __future__ import annotations

from shared.tables.derived import derived_table, several
from shared.tables.spec import Derivation, Grain, Kind, Partitioning, Type

ORDERS = derived_table(
    "core.orders",
    "Every order that exists and is no test: one row per order. An order that was deleted, or "
    "is known only by its deletion, is not here, and so in no sum.",
    (
        ("order_id", Type.STRING, "`shopify_` and Shopify's id."),
        ("order_number", Type.LONG, ""),
        ("order_name", Type.STRING, ""),
        (
            "customer_id",
            Type.STRING,
            "Who ordered, as an id of ours: derived from vendor and vendor's id; null for guests.",
        ),
        *several(Type.STRING, "customer_email_token customer_phone_token"),
        ("source", Type.STRING, "Vendor."),
        ("source_order_id", Type.LONG, "The vendor's order id."),
        ("source_customer_id", Type.STRING, "The vendor's customer id."),
        *several(Type.STRING, "order_status financial_status fulfillment_status"),
        ("currency", Type.STRING, "ISO 4217, upper case; XXX (no currency) where it is unknown."),
        *several(Type.DECIMAL_18_2, "subtotal_price discount_amount shipping_amount tax_amount"),
        *several(Type.DECIMAL_18_2, "total_price total_outstanding current_subtotal"),
        *several(Type.DECIMAL_18_2, "current_total"),
        *several(Type.INT, "line_item_count discount_count"),
        *several(Type.BOOLEAN, "has_discount is_cancelled is_test taxes_included tax_exempt"),
        *several(Type.BOOLEAN, "buyer_accepts_marketing"),
        *several(Type.STRING, "shipping_country shipping_country_code shipping_state"),
        *several(Type.STRING, "shipping_city billing_country billing_country_code"),
        ("channel", Type.STRING, "Where it was placed: web, mobile, pos, api …"),
        *several(Type.STRING, "referring_site landing_site"),
        ("order_date", Type.DATE, "Business date of created_at."),
        *several(Type.TIMESTAMP, "created_at updated_at processed_at cancelled_at closed_at"),
        ("_computed_at", Type.TIMESTAMP, "When the row was written."),
    ),
    Derivation(
        kind=Kind.GROUP,
        reads=("staging.stg_shopify_orders",),
        key=("order_id",),
        sort=("created_at", "order_id"),
        stamped=("_computed_at",),
    ),
    Partitioning("created_at", Grain.MONTH),
    required=frozenset({"order_id", "source", "source_order_id", "currency", "order_date"}),
)
