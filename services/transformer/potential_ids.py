"""The id that a record would have if it were alone: a function of where it comes from."""

from __future__ import annotations

from hashlib import sha256

import polars as pl


def potential_id(source: str, source_id: str) -> str:
    """``U-`` and 128 bits of SHA-256 over source and id."""
    return f"U-{sha256(f'{source}|{source_id}'.encode()).hexdigest()[:32]}"


def potential_ids(source: str, source_ids: pl.Series) -> pl.Series:
    """The potential id of each text; null stays null."""
    distinct = source_ids.drop_nulls().unique()
    made = pl.Series([potential_id(source, one) for one in distinct.to_list()], dtype=pl.String)
    return source_ids.replace_strict(distinct, made, default=None, return_dtype=pl.String)
