"""Records that say what another one said: which of some rows are repetitions. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from shared.lake.landed_ids import Id
from shared.tables.spec import TableSpec


@dataclass(frozen=True, slots=True)
class Firsts:
    """Rows by what they say.

    Attributes:
        rows: id → the first row that has it.
        repeats: rows whose id an earlier one has.
    """

    rows: Mapping[Id, int]
    repeats: frozenset[int]


def identities(spec: TableSpec, rows: pa.Table) -> Sequence[Id | None]:
    """The id of each row, as the table declares it; ``None`` for those that are landed anyway.

    Those are all rows of a table that declares none, what could not be parsed, and what has no
    value in the first column.
    """
    if not spec.once_by:
        return ()
    ids = zip(*(rows[column].to_pylist() for column in spec.once_by), strict=True)
    errors = rows["_error"].to_pylist()
    return [
        None if error is not None or each[0] is None else each
        for each, error in zip(ids, errors, strict=True)
    ]


def first_of_each(ids: Sequence[Id | None]) -> Firsts:
    """Which rows are the first of their id, and which repeat it."""
    rows: dict[Id, int] = {}
    repeats: set[int] = set()
    for row, each in enumerate(ids):
        if each is not None and rows.setdefault(each, row) != row:
            repeats.add(row)
    return Firsts(rows, frozenset(repeats))


def without(rows: pa.Table, first: int, left_out: Collection[int]) -> pa.Table:
    """Rows without some of them; ``first`` is the number of their first one."""
    if not left_out:
        return rows
    return rows.filter(pa.array([first + n not in left_out for n in range(rows.num_rows)]))
