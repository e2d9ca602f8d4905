"""staging.stg_shopify_customers_rejected: the raw rows that the staging table leaves out."""

from __future__ import annotations

import polars as pl

from services.transformer.framework.transform import Fold, Input
from services.transformer.rules.refusals import REFUSED_COLUMNS, refused
from services.transformer.transforms.stg_shopify_customers import ABOUT_CUSTOMERS, RULES
from shared.tables.staging.rejected import SHOPIFY_CUSTOMERS_REJECTED


def stage(rows: pl.DataFrame) -> pl.DataFrame:
    """Raw rows → one row for each that breaks a rule."""
    return refused(rows, RULES)


TRANSFORM = Fold(
    target=SHOPIFY_CUSTOMERS_REJECTED,
    source=Input(
        "raw.shopify_customers",
        (*REFUSED_COLUMNS, "id", "redacted_customer_id", "created_at", "updated_at"),
        where=ABOUT_CUSTOMERS,
    ),
    stage=stage,
    latest=("rule",),
    minima=("_loaded_at",),
    by={name: pl.col(name) for name in ("_topic", "_partition", "_offset")},
    dated="_loaded_at",
)
