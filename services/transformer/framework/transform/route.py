"""How a change of an input finds the groups that it touches, and a group its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from services.transformer.framework.transform.inputs import Input

Bounds = Mapping[str, tuple[Any, Any]]
"""Stored column → (smallest, greatest) value that is wanted, both included."""


@dataclass(frozen=True, slots=True)
class Route:
    """How rows of an input and groups of the target find each other.

    Attributes:
        input: the table that is read.
        by: group column → expression over the input's columns. A changed row touches the group
            that the expressions name, in its old and in its new version; and the rows of a group
            are those for which the expressions name it. A plain ``pl.col`` lets the read skip
            files and row groups by their bounds.
        touches: for rows that touch several groups, as in windows: rows → groups, a frame of the
            group columns. Then ``needs`` is stated, too, and ``by`` names the keys that it gives.
        needs: groups → keys of the rows that they need, a frame of the columns of ``by``.
        bounds: groups → bounds on stored columns, where ``by`` computes and so cannot skip files.
            It may let through too much, never too little.
        whole: the group columns are a unique key of the input, so an added row is its whole group
            and is not read again.
        dated: column of the input that has the day of the target's rows: every row of the target
            is of a group that an input row of its day leads to. So a refresh of some days reads
            the input's rows of those days. Without it, and where the target's day is no part of
            the group either, such a refresh looks at all rows of the input.
    """

    input: Input
    by: Mapping[str, pl.Expr]
    touches: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    needs: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    bounds: Callable[[pl.DataFrame], Bounds] | None = None
    whole: bool = False
    dated: str | None = None

    def __post_init__(self) -> None:
        table = self.input.table
        if (self.touches is None) != (self.needs is None):
            raise ValueError(f"route over {table}: touches and needs are stated together")
        if self.whole and self.touches is not None:
            raise ValueError(f"route over {table}: a window is no whole group")
        if self.touches is not None and self.dated is not None:
            raise ValueError(f"route over {table}: a window leads to other days than its rows'")
