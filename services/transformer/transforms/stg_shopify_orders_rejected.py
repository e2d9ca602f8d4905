"""staging.stg_shopify_orders_rejected: the raw rows that staging.stg_shopify_orders leaves out."""

from __future__ import annotations

import polars as pl

from services.transformer.framework.transform import Fold, Input
from services.transformer.rules.refusals import REFUSED_COLUMNS, refused
from services.transformer.transforms.stg_shopify_orders import RULES
from shared.tables.staging.rejected import SHOPIFY_ORDERS_REJECTED


def stage(rows: pl.DataFrame) -> pl.DataFrame:
    """Raw rows → one row for each that breaks a rule."""
    return refused(rows, RULES)


TRANSFORM = Fold(
    target=SHOPIFY_ORDERS_REJECTED,
    source=Input(
        "raw.shopify_orders",
        (*REFUSED_COLUMNS, "id", "created_at", "updated_at"),
        where=pl.col("_error").is_null(),
    ),
    stage=stage,
    latest=("rule",),
    minima=("_loaded_at",),
    by={name: pl.col(name) for name in ("_topic", "_partition", "_offset")},
    dated="_loaded_at",
)
