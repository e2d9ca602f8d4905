"""Frames as they are given to the functions of tables."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import polars as pl
from polars.testing import assert_frame_equal

from services.transformer.framework.folding import candidates
from services.transformer.framework.frames import without_empty_chunks
from services.transformer.transforms.stg_shopify_customers_rejected import TRANSFORM
from shared.tables.registry import TABLES
from tests.support.input_rows import START, random_rows

RAW = TABLES["raw.shopify_customers"]


def chunked(rows: pl.DataFrame, column: str, values: pl.Series) -> pl.DataFrame:
    """The rows behind two empty chunks, but for one column in one piece."""
    thrice = pl.concat([rows, rows, rows], rechunk=False)
    last = thrice.filter(pl.int_range(pl.len()) >= 2 * rows.height)
    return last.with_columns(values.alias(column))


def test_empty_chunks_go_and_rows_stay() -> None:
    rows = pl.DataFrame({"a": ["x", None], "b": [1, 2]})
    uneven = chunked(rows, "b", rows["b"])
    assert uneven.n_chunks("all") == [3, 1]

    found = without_empty_chunks(uneven)

    assert found.n_chunks("all") == [1, 1]
    assert_frame_equal(found, rows)


def test_full_chunks_are_left_as_they_are() -> None:
    rows = pl.DataFrame({"a": ["x", None]})
    twice = pl.concat([rows, rows], rechunk=False)

    assert without_empty_chunks(twice).n_chunks("all") == [2]
    assert without_empty_chunks(rows.clear()).is_empty()


def test_a_function_that_makes_texts_of_rows_behind_empty_chunks_does_not_panic() -> None:
    columns = list(TRANSFORM.source.columns)
    rows = random_rows(RAW, Random(1), 2, columns).select(columns)
    early = pl.Series([START.replace(year=1990), START], dtype=pl.Datetime("us", "UTC"))
    rows = rows.with_columns(id=pl.lit(1, pl.Int64), created_at=early).rechunk()
    everything = replace(TRANSFORM, source=replace(TRANSFORM.source, where=None))

    found = candidates(everything, chunked(rows, "_topic", rows["_topic"]))

    assert "created_too_early" in found["rule"]
