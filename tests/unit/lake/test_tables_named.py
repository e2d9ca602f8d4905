"""Which tables a query reads is seen in its text."""

import pytest

from shared.lake.query import tables_named


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("select 1", []),
        ("select * from raw.shopify_orders", ["raw.shopify_orders"]),
        ('SELECT * FROM "RAW"."Shopify_Orders" o', ["raw.shopify_orders"]),
        ("select * from raw . shopify_orders", ["raw.shopify_orders"]),
        ("from raw.shopify_orders_old, x.raw.shopify_orders", []),
        (
            "with c as (from raw.stripe_charges) from c join metadata.dead_letters using (_offset)",
            ["raw.stripe_charges", "metadata.dead_letters"],
        ),
        ("select 'raw.shopify_orders'", ["raw.shopify_orders"]),
    ],
)
def test_names_in_the_text(sql: str, names: list[str]) -> None:
    assert tables_named(sql) == names
