"""Rows of a declared table, of which a test states only what matters to it."""

from __future__ import annotations

from typing import Any

import polars as pl

from services.transformer.framework.frames import computed, schema
from shared.tables.registry import TABLES


def rows_of(table: str, *rows: dict[str, Any]) -> pl.DataFrame:
    """A frame in the table's types; columns that a row does not state are null."""
    spec = TABLES[table]
    names = computed(spec) if spec.derived is not None else [one.name for one in spec.columns]
    for row in rows:
        if unknown := set(row) - set(names):
            raise KeyError(f"{table} has no {', '.join(sorted(unknown))}")
    return pl.DataFrame(list(rows), schema=schema(spec, names), orient="row")


def only(frame: pl.DataFrame) -> dict[str, Any]:
    """The one row of a frame."""
    assert frame.height == 1, frame
    return frame.row(0, named=True)
