"""What a table's function is given, and what else its rows depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

Frames = Mapping[str, pl.DataFrame]
"""Rows of each input by its logical table name."""

Context = Callable[[], str]
"""A text that stands for whatever a function's rows depend on besides its inputs and its code; it
is recorded with them, so that another one leads to a full build. A fingerprint, no secret."""


@dataclass(frozen=True, slots=True)
class Input:
    """A table that is read.

    Attributes:
        table: its logical name.
        columns: what is read of it, ``where`` included.
        where: rows that count; the others are as if they were not there.
    """

    table: str
    columns: tuple[str, ...]
    where: pl.Expr | None = None
