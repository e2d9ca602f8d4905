"""Derived tables computed a second way: SQL over the raw rows, against what the tables hold.

Nothing of the transformer is used. The rules are written down once more, one query a table in a
file of its name, so that agreement of both says something about either. The queries stand on one
another as the tables do, never on what is stored. Not computed are tokens, whose key is a secret,
and columns that tell when a row was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from deploy.demo import marts
from shared.tables.registry import TABLES
from shared.tables.spec import TableSpec

RAW = ("raw.shopify_orders", "raw.shopify_customers")
"""The raw tables that everything is computed from."""

ORDERED = (
    "staging.stg_shopify_orders_rejected",
    "staging.stg_shopify_customers_rejected",
    "staging.stg_shopify_orders",
    "staging.stg_shopify_customers",
    "core.orders",
    "core.first_orders",
    "analytics.order_summary",
    "metadata.sales_customers_daily",
    "metadata.sales_daily",
)
"""Tables with a query here, each behind those that its query reads."""

RECOMPUTED = (*ORDERED, marts.MART)
"""Every table that can be compared."""

EXAMPLES = 3
_TIMES = "_times"
_DIFFERING = """
select * exclude (_times), sum(_times)::bigint as _times from (
    select *, 1 as _times from expected union all select *, -1 as _times from stored
) group by all having sum(_times) <> 0
"""
"""Rows that are more often in one than in the other; a fifth of the work of two ``except all``."""

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Comparison:
    """One table against its recomputation, row by row.

    Attributes:
        table: its name.
        rows: how many it holds.
        expected: how many it must hold.
        missing: rows that are not there, or differ.
        unasked: rows that should not be there, or differ.
        examples: some of both, ``missing`` first.
    """

    table: str
    rows: int
    expected: int
    missing: int
    unasked: int
    examples: tuple[Mapping[str, Any], ...]

    @property
    def equal(self) -> bool:
        """Whether both are the same rows."""
        return not self.missing and not self.unasked


def left_out(spec: TableSpec) -> frozenset[str]:
    """Columns that are not computed here."""
    stamped = () if spec.derived is None else spec.derived.stamped
    tokens = (column.name for column in spec.columns if column.name.endswith("_token"))
    return frozenset((*stamped, *tokens))


def recompute(raw: Mapping[str, pa.Table], as_of: date) -> Mapping[str, pa.Table]:
    """The rows of every table of :data:`RECOMPUTED`, without the columns that are left out.

    Args:
        raw: the rows of every table of :data:`RAW`, all columns.
        as_of: the last day of the mart's calendar.
    """
    with _sql() as sql:
        sql.execute((_FOLDER / "macros.sql").read_text(encoding="utf-8"))
        for schema in sorted({name.partition(".")[0] for name in (*RAW, *ORDERED)}):
            sql.execute(f"create schema {schema}")
        for name in RAW:
            sql.register("landed", raw[name])
            sql.execute(f"create table {name} as from landed")
        found = {}
        for name in ORDERED:
            query = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
            sql.execute(f"create table {name} as {query}")
            found[name] = sql.execute(f"from {name}").to_arrow_table()
    return {**found, marts.MART: marts.sales_dashboard(raw[marts.RAW], as_of)}


def compare_all(
    stored: Mapping[str, pa.Table], expected: Mapping[str, pa.Table]
) -> tuple[Comparison, ...]:
    """Compare the rows of every table of :data:`RECOMPUTED` with those of :func:`recompute`."""
    with _sql() as sql:
        return tuple(_compared(sql, name, stored[name], expected[name]) for name in RECOMPUTED)


def compare(name: str, stored: pa.Table, expected: pa.Table) -> Comparison:
    """Compare a table's rows with those of :func:`recompute`; only the columns of the latter."""
    with _sql() as sql:
        return _compared(sql, name, stored, expected)


def _sql() -> duckdb.DuckDBPyConnection:
    """A database of its own, which takes a while to learn of time zones."""
    sql = duckdb.connect()
    sql.execute("set TimeZone = 'UTC'")
    return sql


def _compared(
    sql: duckdb.DuckDBPyConnection, name: str, stored: pa.Table, expected: pa.Table
) -> Comparison:
    spec = TABLES[name]
    names = [column.name for column in spec.columns if column.name not in left_out(spec)]
    sql.register("stored", stored.select(names))
    sql.register("expected", expected.select(names))
    differing = sql.execute(_DIFFERING).to_arrow_table().to_pylist()
    times = [(row, row.pop(_TIMES)) for row in differing]
    missing = [row for row, more in times if more > 0]
    unasked = [row for row, more in times if more < 0]
    return Comparison(
        table=name,
        rows=stored.num_rows,
        expected=expected.num_rows,
        missing=sum(more for _, more in times if more > 0),
        unasked=-sum(more for _, more in times if more < 0),
        examples=(*missing[:EXAMPLES], *unasked[:EXAMPLES]),
    )
