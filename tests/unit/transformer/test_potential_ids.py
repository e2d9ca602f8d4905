"""A record's potential id is a function of where it comes from."""

from __future__ import annotations

import polars as pl

from services.transformer.potential_ids import potential_id, potential_ids


def test_it_never_changes() -> None:
    assert potential_id("shopify_customers", "1001") == "U-0fad16acf7235c3eedff77bb66bee4fa"


def test_source_and_id_both_count() -> None:
    made = [("shopify_customers", "1"), ("stripe_customers", "1"), ("shopify_customers", "11")]
    assert len({potential_id(*each) for each in made}) == 3


def test_columns_and_single_values_agree() -> None:
    made = potential_ids("s", pl.Series(["1", None, "2", "1"], dtype=pl.String))
    assert made.to_list() == [
        *(potential_id("s", "1"), None),
        *(potential_id("s", "2"), potential_id("s", "1")),
    ]
