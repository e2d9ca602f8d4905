"""A peer: the chain as SQL written by hand for DuckDB, tables in a database file on local disk.

The incremental statements know what a change can touch, as a careful engineer would write them for
this chain: versions that win, their orders' old and new rows, the customers of those, the hours of
these and of first orders old and new, the days of those hours. One transaction for all tables.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from tests.bench.builds import statements as sql
from tests.bench.builds.agreement import mart_rows
from tests.bench.builds.contestant import Contestant
from tests.bench.builds.worker import serve


class DuckDBByHand(Contestant):
    """SQL by hand."""

    name: ClassVar[str] = "duckdb"
    title: ClassVar[str] = f"DuckDB {duckdb.__version__}, SQL by hand"

    @property
    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", __name__, str(self.directory / "tables.duckdb")]


class Tables:
    """The chain in one database.

    Args:
        database: its file.
    """

    def __init__(self, database: Path) -> None:
        self._duckdb = duckdb.connect(str(database))
        self._duckdb.execute("set timezone = 'UTC'; set preserve_insertion_order = false")

    def build(self, *, full: bool, files: Sequence[str], as_of: str) -> None:
        """Bring everything up to the raw files; those known already are not read again."""
        run = self._duckdb.execute
        run("begin")
        try:
            if full:
                run("create or replace table landed (path varchar primary key)")
            run("create or replace temp table arrived (path varchar)")
            run("insert into arrived select unnest($1)", [list(files)])
            run("delete from arrived where path in (select path from landed)")
            paths = [path for (path,) in run("from arrived").fetchall()]
            for statement in _full(paths, as_of) if full else _incremental(paths, as_of):
                run(statement)
            run("insert into landed from arrived")
            run("commit")
        except BaseException:
            run("rollback")
            raise

    def mart(self) -> dict[str, Any]:
        """The mart's rows."""
        return {"rows": [list(row) for row in self._duckdb.execute(mart_rows("mart")).fetchall()]}


def _raw(paths: Sequence[str]) -> str:
    told = ", ".join(f"'{path}'" for path in paths)
    return f"read_parquet([{told}])"


def _full(paths: Sequence[str], as_of: str) -> list[str]:
    parts = {
        "staged": sql.staged_orders(_raw(paths)),
        "orders": sql.core_orders("staged"),
        "firsts": sql.first_orders("orders"),
        "summary": sql.order_summary("orders", "firsts"),
        "customers": sql.sales_customers_daily("orders"),
        "days": sql.sales_daily("summary", "customers"),
        "mart": sql.sales_dashboard("days", as_of),
    }
    return [f"create or replace table {name} as {select}" for name, select in parts.items()]


def _temporary(name: str, select: str) -> str:
    return f"create or replace temp table {name} as {select}"


def _replaced(table: str, key: str, changed: str, select: str) -> list[str]:
    """Rows of ``table`` whose key is among ``changed`` are those of ``select`` now."""
    # By name: columns stand in the order of the full statements, and the same they are here.
    return [
        f"delete from {table} where ({key}) in (select ({key}) from {changed})",
        f"insert into {table} by name {select}",
    ]


def _incremental(paths: Sequence[str], as_of: str) -> list[str]:
    if not paths:
        return [f"create or replace table mart as {sql.sales_dashboard('days', as_of)}"]
    order = "updated_at, _event_time, _event_id"
    newer = ", ".join(f"s.{name.strip()}" for name in order.split(","))
    mine = ", ".join(f"a.{name.strip()}" for name in order.split(","))

    def within(table: str, key: str, changed: str) -> str:
        return f"(from {table} where ({key}) in (select ({key}) from {changed}))"

    touched_orders = within("orders", "order_date, order_hour", "touched_hours")
    touched_days = within("orders", "order_date, currency, customer_id", "touched_visits")
    return [
        _temporary("candidates", sql.staged_orders(_raw(paths))),
        _temporary(
            "changed",
            "select a.* from candidates a left join staged s using (order_id) "
            f"where s.order_id is null or ({mine}) > ({newer})",
        ),
        *_replaced("staged", "order_id", "changed", "from changed"),
        _temporary(
            "before",
            "from orders where source_order_id in (select order_id from changed)",
        ),
        _temporary("after", sql.core_orders("changed")),
        "delete from orders where source_order_id in (select order_id from changed)",
        "insert into orders by name from after",
        _temporary(
            "buyers",
            "select customer_id from before where customer_id is not null "
            "union select customer_id from after where customer_id is not null",
        ),
        _temporary("firsts_before", within("firsts", "customer_id", "buyers")[1:-1]),
        _temporary("firsts_after", sql.first_orders(within("orders", "customer_id", "buyers"))),
        *_replaced("firsts", "customer_id", "buyers", "from firsts_after"),
        _temporary(
            "touched_hours",
            "select order_date, order_hour from before "
            "union select order_date, order_hour from after "
            "union (select order_date, order_hour from (from firsts_before except "
            "from firsts_after)) "
            "union (select order_date, order_hour from (from firsts_after except "
            "from firsts_before))",
        ),
        *_replaced(
            "summary",
            "order_date, order_hour",
            "touched_hours",
            sql.order_summary(touched_orders, "firsts"),
        ),
        _temporary(
            "touched_visits",
            "select order_date, currency, customer_id from before "
            "union select order_date, currency, customer_id from after",
        ),
        *_replaced(
            "customers",
            "order_date, currency, customer_id",
            "touched_visits",
            sql.sales_customers_daily(touched_days),
        ),
        *_replaced(
            "days",
            "order_date",
            "touched_hours",
            sql.sales_daily(
                "(from summary where order_date in (select order_date from touched_hours))",
                "(from customers where order_date in (select order_date from touched_hours))",
            ),
        ),
        f"create or replace table mart as {sql.sales_dashboard('days', as_of)}",
    ]


if __name__ == "__main__":
    tables = Tables(Path(sys.argv[1]))
    serve({"build": tables.build, "mart": tables.mart})
