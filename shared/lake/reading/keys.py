"""Rows wanted by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from typing import Any

import polars as pl

from shared.lake.reading.columns import Columns


@dataclass(frozen=True, slots=True)
class Keys:
    """Rows wanted: those whose ``by`` expressions, evaluated on a row, stand in ``frame``.

    Null equals null.

    Attributes:
        frame: one column per key part.
        by: key part → expression over stored columns, row by row. Plain ``pl.col(c)`` prunes files
            by partition and bounds, and row groups.
        bounds: further bounds on stored columns, inclusive, for pruning alone: a row beyond them
            may or may not come.
    """

    frame: pl.DataFrame
    by: Mapping[str, pl.Expr]
    bounds: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    def columns(self) -> list[str]:
        """The stored columns that have to be read to tell."""
        return [name for by in self.by.values() for name in by.meta.root_names()]

    def condition(self, columns: Columns) -> pl.Expr:
        """What a reader can tell row groups and rows by: exact for one key part.

        Of several parts each alone lets most rows through when keys are scattered, such as every
        day and every hour. Their common hash does not, so the other columns of those rows are not
        decoded; :meth:`matching` does the rest.
        """
        wanted = self._typed(columns)
        parts = [
            by.is_in(wanted[name].unique().implode(), nulls_equal=True)
            for name, by in self.by.items()
        ]
        if len(parts) > 1:
            typed = [by.cast(wanted.schema[name]).alias(name) for name, by in self.by.items()]
            hashes = wanted.select(pl.struct(list(self.by)).hash()).to_series().unique()
            parts.append(pl.struct(typed).hash().is_in(hashes.implode()))
        return reduce(and_, parts)

    def matching(self, rows: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """The rows wanted, of those that meet :meth:`condition`."""
        if len(self.by) == 1:
            return rows
        parts = {f"_key_{name}": by for name, by in self.by.items()}
        wanted = self._typed(columns).unique().rename(lambda name: f"_key_{name}")
        return (
            rows.with_columns(**parts)
            .join(wanted, on=list(parts), how="semi", nulls_equal=True)
            .drop(*parts)
        )

    def plain(self, columns: Columns) -> dict[str, pl.Series]:
        """Values wanted of stored columns that are key parts themselves."""
        wanted = self._typed(columns)
        return {
            by.meta.root_names()[0]: wanted[name]
            for name, by in self.by.items()
            if by.meta.is_column()
        }

    def _typed(self, columns: Columns) -> pl.DataFrame:
        """The keys in the types that the expressions have; without those that do not fit them."""
        types = columns.empty().select(**self.by).schema
        own = self.frame.select(list(self.by))
        typed = own.select(pl.col(name).cast(types[name], strict=False) for name in self.by)
        fits = [typed[name].is_null() == own[name].is_null() for name in self.by]
        return typed.filter(reduce(and_, fits))
