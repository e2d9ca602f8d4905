"""The mart computed a second way: SQL over the raw rows, against what the tables hold.

Nothing of the transformer is used. The rules are written down once more, in
``sales_dashboard.sql``, so that agreement of both says something about either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

RAW = "raw.shopify_orders"
MART = "marts.sales_dashboard_daily"

RAW_COLUMNS = (
    *("id", "customer_id", "created_at", "updated_at", "cancelled_at", "currency", "test"),
    *("total_price", "total_discounts", "total_tax", "total_shipping_price_set"),
    *("financial_status", "fulfillment_status", "source_name", "shipping_address"),
    *("_event_type", "_event_time", "_event_id", "_received_at", "_timestamp", "_loaded_at"),
    *("_payload", "_error"),
)
"""What is read of the raw rows."""

STAMPED = "_computed_at"
"""When the mart's row was written: no part of the result."""

_QUERY = Path(__file__).with_name("sales_dashboard.sql").read_text(encoding="utf-8")

# Rounded half-up on integers of the result's last place: DuckDB divides decimals as floats.
_HALF_UP = """
create macro half_up(amount, units, parts, places) as
    case when parts > 0 then
        sign(amount) * (
            (2 * abs((amount * units)::hugeint) * (10 ** places)::hugeint // units + parts)
            // (2 * parts)
        )::hugeint::decimal(30, 0) * (10 ** -places)::decimal(6, 4)
    end
"""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The mart against its recomputation.

    Attributes:
        days: rows that must be there.
        orders: orders in all of them.
        missing: rows that are not there, or differ.
        unasked: rows that should not be there, or differ.
        examples: some of both as mappings, ``missing`` first.
    """

    days: int
    orders: int
    missing: int
    unasked: int
    examples: tuple[Mapping[str, Any], ...]

    @property
    def holds(self) -> bool:
        """Whether both are the same rows."""
        return not self.missing and not self.unasked


def sales_dashboard(raw_orders: pa.Table, as_of: date) -> pa.Table:
    """The rows of the mart, without when they were written, ordered by currency and day.

    Args:
        raw_orders: rows of :data:`RAW`, at least :data:`RAW_COLUMNS`.
        as_of: the last day of the calendar.
    """
    with duckdb.connect() as sql:
        return _expected(sql, raw_orders, as_of)


def agreement(mart: pa.Table, raw_orders: pa.Table, as_of: date) -> Agreement:
    """Compare rows of the mart with what the raw rows amount to."""
    with duckdb.connect() as sql:
        expected = _expected(sql, raw_orders, as_of)
        names = [name for name in mart.column_names if name != STAMPED]
        sql.register("expected", expected.select(names))
        sql.register("stored", mart.select(names))
        missing = sql.sql("from expected except all from stored").to_arrow_table()
        unasked = sql.sql("from stored except all from expected").to_arrow_table()
    return Agreement(
        days=expected.num_rows,
        orders=sum(expected["total_orders"].to_pylist()),
        missing=missing.num_rows,
        unasked=unasked.num_rows,
        examples=(*missing.slice(0, 3).to_pylist(), *unasked.slice(0, 3).to_pylist()),
    )


def _expected(sql: duckdb.DuckDBPyConnection, raw_orders: pa.Table, as_of: date) -> pa.Table:
    sql.execute("set TimeZone = 'UTC'")
    sql.execute(_HALF_UP)
    sql.register("raw_orders", raw_orders.select(RAW_COLUMNS))
    return sql.execute(_QUERY, {"as_of": as_of}).to_arrow_table()
