"""Quarantine: the raw rows that a staging table refuses, one row each, and the rule."""

from __future__ import annotations

from shared.tables.derived import derived_table
from shared.tables.spec import Derivation, Kind, TableSpec, Type
from shared.tables.staging.versions import STAGED_AT


def rejected(staging: str, raw: str) -> TableSpec:
    """The quarantine table of a staging table.

    Unpartitioned: refusals are few, or something is wrong that has to be seen first.
    """
    return derived_table(
        f"{staging}_rejected",
        f"Rows of {raw} that {staging} leaves out, and why. Holds plaintext: the payload.",
        (
            ("_topic", Type.STRING, "Logical topic of the record."),
            ("_partition", Type.INT, "Partition of the record."),
            ("_offset", Type.LONG, "Offset of the record."),
            ("rule", Type.STRING, "Name of the first rule that it breaks."),
            ("detail", Type.STRING, "What was found."),
            ("event_id", Type.STRING, "The vendor's event id."),
            ("event_type", Type.STRING, "The vendor's event type."),
            ("event_time", Type.TIMESTAMP, "When the event happened, from the vendor."),
            ("received_at", Type.TIMESTAMP, "When ingest accepted the delivery."),
            ("payload", Type.STRING, "The value as text, exactly as received."),
            ("_loaded_at", Type.TIMESTAMP, "When the raw row was loaded."),
            STAGED_AT,
        ),
        Derivation(
            kind=Kind.FOLD,
            reads=(raw,),
            key=("_topic", "_partition", "_offset"),
            sort=("_partition", "_offset"),
            stamped=("_staged_at",),
            dated="_loaded_at",
        ),
        required=frozenset({"_topic", "_partition", "_offset", "rule"}),
    )


SHOPIFY_ORDERS_REJECTED = rejected("staging.stg_shopify_orders", "raw.shopify_orders")
SHOPIFY_CUSTOMERS_REJECTED = rejected("staging.stg_shopify_customers", "raw.shopify_customers")
