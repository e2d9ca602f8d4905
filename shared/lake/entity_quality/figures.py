"""What the entity index and the staged tables hold, asked in SQL.

Every query either answers or raises: a figure that could not be had is never told as zero.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.lake.entity_quality.sources import ENTITY_TYPE, INDEX, SOURCES, Source

Ask = Callable[[str], Sequence[tuple[Any, ...]]]
"""One SELECT in DuckDB's dialect, tables by their logical names → its rows."""

MOST_DUPLICATES = 100
"""Ids with several rows that are looked at one by one."""

_INDEX = f"(select * from {INDEX} where entity_type = '{ENTITY_TYPE}')"


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """One source.

    Attributes:
        staged: whether its staged table is there; if not, the other figures are 0.
        records: distinct ids that are staged.
        mapped: those of them that the index has.
        unified: distinct unified ids that the index gives to the source's records.
    """

    source: str
    staged: bool
    records: int = 0
    mapped: int = 0
    unified: int = 0


@dataclass(frozen=True, slots=True)
class Duplicate:
    """One record with several rows in the index; ``unified_ids`` are at most five."""

    source: str
    source_id: str
    rows: int
    unified_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures; those that a quick look leaves out are empty.

    Attributes:
        mappings: rows of the index.
        unified: distinct unified ids.
        shared: unified ids that records of two sources or more belong to.
        sources: every source, staged or not.
        duplicated: records with more than one row.
        duplicates: the first :data:`MOST_DUPLICATES` of them.
        cardinality: records a unified id has (1, 2, 3, and 4 for more) → unified ids.
        match_types: how records were matched → rows.
    """

    mappings: int
    unified: int
    shared: int
    sources: tuple[SourceFigures, ...]
    duplicated: int = 0
    duplicates: tuple[Duplicate, ...] = ()
    cardinality: Mapping[int, int] = field(default_factory=dict)
    match_types: Mapping[str, int] = field(default_factory=dict)


def figures(ask: Ask, present: Collection[str], *, quick: bool = False) -> Figures:
    """Ask for everything that the checks judge.

    Args:
        ask: runs one query; all of them should read the same snapshots.
        present: logical names of the tables that are there; the index must be among them.
        quick: only the totals, and which sources are staged.

    Raises:
        Exception: whatever ``ask`` raises.
    """
    mappings, unified = ask(f"select count(*), count(distinct unified_id) from {_INDEX}")[0]
    shared = ask(
        f"select count(*) from (select unified_id from {_INDEX} group by 1 "
        "having count(distinct source) > 1)"
    )[0][0]
    if quick:
        sources = tuple(SourceFigures(each.name, each.table in present) for each in SOURCES)
        return Figures(mappings, unified, shared, sources)
    sources = tuple(_of_source(ask, each, each.table in present) for each in SOURCES)
    duplicated, duplicates = _duplicates(ask)
    return Figures(
        mappings,
        unified,
        shared,
        sources,
        duplicated,
        duplicates,
        _counted(
            ask,
            "select least(records, 4), count(*) from "
            "(select count(distinct (source, source_id)) as records "
            f"from {_INDEX} group by unified_id) group by 1",
        ),
        _counted(ask, f"select coalesce(match_type, 'none'), count(*) from {_INDEX} group by 1"),
    )


def _of_source(ask: Ask, source: Source, staged: bool) -> SourceFigures:
    if not staged:
        return SourceFigures(source.name, staged=False)
    condition = f" and {source.where}" if source.where else ""
    mine = f"(select * from {_INDEX} where source = '{source.name}')"
    ids = (
        f"(select distinct {source.id_column}::varchar as id from {source.table} "
        f"where {source.id_column} is not null{condition})"
    )
    records, mapped = ask(
        "select count(*), count(*) filter (where id in "
        f"(select source_id from {mine} where source_id is not null)) from {ids}"
    )[0]
    unified = ask(f"select count(distinct unified_id) from {mine}")[0][0]
    return SourceFigures(source.name, True, records, mapped, unified)


def _duplicates(ask: Ask) -> tuple[int, tuple[Duplicate, ...]]:
    several = (
        "select source, source_id, count(*) as rows, "
        "list_sort(list(distinct unified_id))[1:5] as unified_ids "
        f"from {_INDEX} group by 1, 2 having count(*) > 1"
    )
    number = ask(f"select count(*) from ({several})")[0][0]
    rows = ask(f"{several} order by rows desc, source, source_id limit {MOST_DUPLICATES}")
    return number, tuple(Duplicate(each[0], each[1], each[2], tuple(each[3])) for each in rows)


def _counted(ask: Ask, sql: str) -> dict[Any, int]:
    return dict(sorted((key, number) for key, number in ask(sql)))
