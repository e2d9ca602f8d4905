"""What the derived tables hold, each at one snapshot, beside what the raw rows amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
from pyiceberg.catalog.rest import RestCatalog

from deploy.demo.deriving import topics_of
from deploy.demo.head_rows import HeadRows
from deploy.demo.mart_freshness import Freshness, freshness
from deploy.demo.marts import MART
from deploy.demo.recomputation import RAW, RECOMPUTED, Comparison, compare_all, recompute
from shared.contracts.environment import Environment
from shared.lake.catalog import load
from shared.lake.provenance import traced
from shared.lake.table_state import TableState
from shared.runtime.errors import CheckFailed
from shared.tables.registry import TABLES


@dataclass(frozen=True, slots=True)
class DerivedLedger:
    """Every derived table against its recomputation.

    Attributes:
        tables: one comparison each.
        as_of: the last day of the mart's calendar.
        orders: orders that the mart counts, over all its days.
        freshness: of the mart.
    """

    tables: tuple[Comparison, ...]
    as_of: date
    orders: int
    freshness: Freshness

    @property
    def differing(self) -> Sequence[Comparison]:
        """Tables that are not what they must be."""
        return [each for each in self.tables if not each.equal]


def take(
    catalog: RestCatalog, environment: Environment, rows_of: HeadRows | None = None
) -> DerivedLedger:
    """Read and compare everything. Meant for a lake at rest: tables are read one after another.

    Args:
        catalog: where the tables are.
        environment: their naming.
        rows_of: reads their rows; one that has read them before reads only what is new.

    Raises:
        NotFound: the catalog lacks a table.
        CheckFailed: the mart was never built, or a table has files that are not read here.
    """
    loaded = {name: load(catalog, environment, name) for name in (*RECOMPUTED, *RAW)}
    mart = TableState.of(loaded[MART].metadata)
    provenance = traced(mart).provenance
    if provenance is None or provenance.as_of is None:
        raise CheckFailed(f"{MART} says nothing of how it was built", "`bergline runs list`")
    rows_of = HeadRows() if rows_of is None else rows_of
    rows = {name: rows_of.of(table) for name, table in loaded.items()}
    expected = recompute(rows, provenance.as_of)
    topics = topics_of(TABLES[MART])
    reaching = [
        rows[name].select(["_topic", "_partition", "_offset", "_received_at"])
        for name in RAW
        if topics & set(TABLES[name].topics)
    ]
    return DerivedLedger(
        tables=compare_all(rows, expected),
        as_of=provenance.as_of,
        orders=sum(rows[MART]["total_orders"].to_pylist()),
        freshness=freshness(mart, pa.concat_tables(reaching)),
    )
