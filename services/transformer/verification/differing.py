"""Rows that differ: what is stored beside what its inputs give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from services.transformer.framework.frames import (
    computed,
)
from services.transformer.framework.transform import Transform, derivation


@dataclass(frozen=True, slots=True)
class Differing:
    """One row that differs.

    Attributes:
        key: its key as text.
        kind: ``missing`` (the inputs give it, it is not stored), ``surplus`` (stored, the inputs do
            not give it) or ``other values``.
        columns: those whose values differ; of ``other values`` only.
    """

    key: dict[str, str | None]
    kind: str
    columns: tuple[str, ...] = ()


def compared(transform: Transform, stored: pl.DataFrame, rows: pl.DataFrame) -> list[Differing]:
    """The rows that differ, by key; null equals null. Stored rows may repeat a key."""
    key = list(derivation(transform.target).key)
    names = list(computed(transform.target))
    missing = rows.join(stored, on=names, how="anti", nulls_equal=True)
    surplus = stored.join(rows, on=names, how="anti", nulls_equal=True)
    both = missing.join(surplus, on=key, how="inner", nulls_equal=True, suffix=_STORED)
    found = [
        Differing(_key(row, key), "other values", _columns(row, [n for n in names if n not in key]))
        for row in both.iter_rows(named=True)
    ]
    for kind, own, other in (("missing", missing, surplus), ("surplus", surplus, missing)):
        alone = own.join(other, on=key, how="anti", nulls_equal=True)
        found += [Differing(_key(row, key), kind) for row in alone.iter_rows(named=True)]
    repeated = stored.height - stored.unique().height
    if repeated:
        twice = stored.filter(stored.is_duplicated()).unique()
        found += [Differing(_key(row, key), "surplus") for row in twice.iter_rows(named=True)]
    return sorted(found, key=lambda each: (list(map(str, each.key.values())), each.kind))


_STORED = " as stored"


def _key(row: dict[str, Any], key: Sequence[str]) -> dict[str, str | None]:
    return {name: None if row[name] is None else str(row[name]) for name in key}


def _columns(row: dict[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if row[name] != row[name + _STORED])
