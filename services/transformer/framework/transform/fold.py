"""A table of one row per key, folded from all source rows of that key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

import polars as pl

from services.transformer.framework.transform.declared import of_kind, require_columns, require_day
from services.transformer.framework.transform.inputs import Context, Input
from shared.tables.spec import Kind, TableSpec

Stage = Callable[[pl.DataFrame], pl.DataFrame]
"""Rows of the source → candidate rows of the target, each from one source row alone; none, one or
several a row. Columns: the target's without its stamped ones."""


@dataclass(frozen=True, slots=True)
class Fold:
    """One row per key, folded from all source rows of that key.

    Of a key's candidates the greatest by ``latest`` wins, whole; where they tie, the remaining
    columns decide, so the winner is the same in whatever order rows arrive.

    Attributes:
        target: the table; its key is the fold's key.
        source: what is folded.
        stage: rows of the source → candidates.
        latest: columns of the target that order candidates, compared one after the other, null
            smallest. Arrival (offsets, load time) is no order: partitions cannot be compared.
        maxima, minima: columns that fold by themselves over all candidates of the key, null
            ignored: the time of a tombstone, when something was first seen.
        by: key column → expression over the source's columns; with it the rows of a key are found
            again by key after source rows were removed. Without it the whole source is read then.
        dated: column of the source from which the target's day comes unchanged. With it, and
            ``by``, a refresh of some days reads the source's rows of those days and of the keys
            found there; otherwise all.
        version: raised when the result changes though no code does.
        context: what else rows depend on, such as the key that tokens are made with.
    """

    kind: ClassVar[Kind] = Kind.FOLD

    target: TableSpec
    source: Input
    stage: Stage
    latest: tuple[str, ...]
    maxima: tuple[str, ...] = ()
    minima: tuple[str, ...] = ()
    by: Mapping[str, pl.Expr] = field(default_factory=lambda: MappingProxyType({}))
    dated: str | None = None
    version: int = 1
    context: Context | None = None

    def __post_init__(self) -> None:
        derived, name = of_kind(self.target, Kind.FOLD), self.target.name
        if not self.latest:
            raise ValueError(f"transform of {name}: nothing says which candidate is the latest")
        alone = (*self.maxima, *self.minima)
        require_columns(self.target, "latest", self.latest)
        require_columns(self.target, "maxima and minima", alone)
        if len(set(alone)) != len(alone) or set(alone) & {*self.latest, *derived.key}:
            raise ValueError(
                f"transform of {name}: a column that folds by itself cannot be part of the key, "
                "of the order, or fold twice"
            )
        if self.by and set(self.by) != set(derived.key):
            raise ValueError(f"transform of {name}: by names other columns than the key")
        require_day(self.target, self.dated)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What it reads."""
        return (self.source,)
