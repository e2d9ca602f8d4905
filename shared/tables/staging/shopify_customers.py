"""The latest version of every Shopify customer."""

from __future__ import annotations

from shared.tables.derived import derived_table, several
from shared.tables.spec import Derivation, Grain, Kind, Partitioning, Type
from shared.tables.staging.versions import DELETED_AT, LOADED_AT, ORDERING, STAGED_AT

SHOPIFY_CUSTOMERS = derived_table(
    "staging.stg_shopify_customers",
    "The latest version of every Shopify customer, identifiers as tokens. Of a redacted customer "
    "every column but the id and the tombstones is null for ever. Never loses a key.",
    (
        ("customer_id", Type.LONG, "Shopify's id."),
        ("email_token", Type.STRING, "Token of the e-mail address."),
        *several(Type.STRING, "first_name_token last_name_token full_name_token"),
        ("phone_token", Type.STRING, "Token of the phone number."),
        (
            "last_name_prefix_token",
            Type.STRING,
            "Token of the first three letters of the last name.",
        ),
        *several(Type.STRING, "address_line1_token address_line2_token"),
        *several(Type.STRING, "city province province_code country country_code zip"),
        ("currency", Type.STRING, "ISO 4217, upper case."),
        ("total_spent", Type.DECIMAL_18_2, ""),
        ("orders_count", Type.LONG, ""),
        (
            "avg_order_value",
            Type.DECIMAL_18_2,
            "total_spent / orders_count, rounded half-up; 0 without orders.",
        ),
        (
            "customer_tier",
            Type.STRING,
            "By total_spent: vip from 1000, gold from 500, silver from 100, bronze above 0, else "
            "new.",
        ),
        *several(Type.BOOLEAN, "accepts_marketing verified_email tax_exempt"),
        *several(Type.STRING, "marketing_opt_in_level state"),
        ("note", Type.STRING, "Free text: may hold what identifies somebody."),
        ("tags", Type.STRING, "Free text: may hold what identifies somebody."),
        ("accepts_marketing_updated_at", Type.TIMESTAMP, ""),
        ("is_active", Type.BOOLEAN, "Whether state is enabled."),
        (
            "address_count",
            Type.INT,
            "Elements of addresses; 1 where there is only a default address.",
        ),
        *several(Type.TIMESTAMP, "created_at updated_at"),
        DELETED_AT,
        (
            "redacted_at",
            Type.TIMESTAMP,
            "When the vendor last asked to erase the customer; null when it never did.",
        ),
        ("_raw_id", Type.LONG, "The id in the raw table."),
        ("_webhook_topic", Type.STRING, "Topic of the version's webhook."),
        *ORDERING,
        (
            "_first_received_at",
            Type.TIMESTAMP,
            "When ingest accepted the first record of the customer: its age.",
        ),
        LOADED_AT,
        STAGED_AT,
    ),
    Derivation(
        kind=Kind.FOLD,
        reads=("raw.shopify_customers",),
        key=("customer_id",),
        sort=("customer_id",),
        stamped=("_staged_at",),
    ),
    Partitioning("created_at", Grain.MONTH),
    required=frozenset({"customer_id"}),
)
