"""Landing tables of Shopify's Admin REST objects (API version 2024-10)."""

from __future__ import annotations

from shared.contracts.column_types import Type
from shared.sources.spec import PayloadColumn, RawTable, columns

ORDERS = RawTable(
    "raw.shopify_orders",
    "Every order webhook: one row per delivery, all versions of an order.",
    (
        *columns(
            (
                Type.LONG,
                "id order_number number checkout_id app_id total_weight user_id",
            ),
            (
                Type.STRING,
                "admin_graphql_api_id name token confirmation_number email phone currency "
                "presentment_currency financial_status fulfillment_status cancel_reason "
                "landing_site landing_site_ref referring_site source_name source_identifier "
                "source_url cart_token checkout_token browser_ip customer_locale note "
                "order_status_url tags",
            ),
            (
                Type.JSON,
                "customer billing_address shipping_address line_items fulfillments refunds "
                "shipping_lines total_shipping_price_set discount_codes tax_lines "
                "note_attributes payment_gateway_names",
            ),
            (
                Type.DECIMAL_18_2,
                "subtotal_price total_line_items_price total_discounts total_price total_tax "
                "total_tip_received total_outstanding current_subtotal_price "
                "current_total_price current_total_discounts current_total_tax",
            ),
            (
                Type.BOOLEAN,
                "taxes_included estimated_taxes tax_exempt confirmed buyer_accepts_marketing test",
            ),
            (Type.TIMESTAMP, "cancelled_at closed_at created_at updated_at processed_at"),
        ),
        PayloadColumn("customer_id", Type.LONG, ("customer", "id")),
    ),
)

CUSTOMERS = RawTable(
    "raw.shopify_customers",
    "Every customer and privacy webhook: one row per delivery.",
    (
        *columns(
            (Type.LONG, "id orders_count"),
            (
                Type.STRING,
                "admin_graphql_api_id email first_name last_name phone marketing_opt_in_level "
                "currency state note tags",
            ),
            (Type.JSON, "default_address addresses tax_exemptions"),
            (Type.BOOLEAN, "accepts_marketing verified_email tax_exempt"),
            (Type.DECIMAL_18_2, "total_spent"),
            (Type.TIMESTAMP, "accepts_marketing_updated_at created_at updated_at"),
        ),
        PayloadColumn("customer", Type.JSON, ("customer",)),
        PayloadColumn("redacted_customer_id", Type.LONG, ("customer", "id")),
        PayloadColumn("orders_to_redact", Type.JSON, ("orders_to_redact",)),
    ),
)

PRODUCTS = RawTable(
    "raw.shopify_products",
    "Every product webhook: one row per delivery.",
    columns(
        (Type.LONG, "id"),
        (
            Type.STRING,
            "admin_graphql_api_id title body_html vendor product_type handle published_scope "
            "status tags template_suffix",
        ),
        (Type.JSON, "variants options images image"),
        (Type.TIMESTAMP, "created_at updated_at published_at"),
    ),
)

EVENTS = RawTable(
    "raw.shopify_events",
    "Every webhook of another topic, one row per delivery; what it is about is in _payload.",
    columns(
        (Type.STRING, "id admin_graphql_api_id"),
        (Type.TIMESTAMP, "created_at updated_at"),
    ),
)
