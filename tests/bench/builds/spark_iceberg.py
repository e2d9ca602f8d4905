"""A peer: the chain as SQL for Spark, tables of Iceberg on local disk, changed by MERGE.

The incremental statements find what a change can touch as those by hand for DuckDB do, and are
written as Spark and Iceberg like it: small sets of keys are kept in the driver, so that they are
broadcast; conditions of literals let files be skipped; a MERGE writes only rows that differ, as
deletes by position and new files. The tables are partitioned by month as ours are. One commit a
table, so a reader may meanwhile see some tables before and others after a change, as with ours.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from tests.bench.builds import spark_statements as sql
from tests.bench.builds.agreement import mart_rows
from tests.bench.builds.contestant import Contestant
from tests.bench.builds.spark_session import (
    ICEBERG_VERSION,
    SPARK_VERSION,
    SparkSession,
    class_path,
)
from tests.bench.builds.worker import serve

_MERGE_ON_READ = ", ".join(
    (
        "'format-version' = '2'",
        *(f"'write.{what}.mode' = 'merge-on-read'" for what in ("merge", "update", "delete")),
    )
)
_PARTITIONED = {
    **dict.fromkeys(("staged", "orders"), "months(created_at)"),
    **dict.fromkeys(("summary", "customers"), "months(order_date)"),
}
_SUMMARY_KEY = (
    *("order_date", "order_hour", "currency", "shipping_country", "shipping_country_code"),
    *("shipping_state", "channel", "source"),
)
_VISIT_KEY = ("order_date", "currency", "customer_id")
_HOURS = "(order_date, order_hour) in (select order_date, order_hour from touched_hours)"
_VISITS = (
    "(order_date, currency, customer_id) in "
    "(select order_date, currency, customer_id from touched_visits)"
)
_BUYERS = "customer_id in (select customer_id from buyers)"


class SparkIceberg(Contestant):
    """SQL by hand, MERGE INTO tables of Iceberg."""

    name: ClassVar[str] = "spark"
    title: ClassVar[str] = f"Spark {SPARK_VERSION} with Iceberg {ICEBERG_VERSION}"

    def __init__(self, directory: Path, as_of: date) -> None:
        super().__init__(directory, as_of)
        self._classes = class_path(directory)

    @property
    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", __name__, self._classes, str(self.directory)]


class Tables:
    """The chain in one Spark.

    Args:
        classes: class path of Spark.
        directory: of the tables.
    """

    def __init__(self, classes: str, directory: Path) -> None:
        settings = {
            "spark.sql.shuffle.partitions": "4",
            "spark.sql.defaultCatalog": "lake",
            "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
            "spark.sql.catalog.lake.type": "hadoop",
            "spark.sql.catalog.lake.warehouse": str(directory / "tables"),
        }
        self._spark = SparkSession(classes, directory, settings)
        self._spark.sql("create namespace if not exists sales")
        self._spark.sql("use sales")

    def build(self, *, full: bool, files: Sequence[str], as_of: str) -> Mapping[str, Any]:
        """Bring everything up to the raw files; those known already are not read again."""
        known = set() if full else {path for (path,) in self._spark.sql("from landed")}
        arrived = [path for path in files if path not in known]
        if arrived:
            raw = " union all ".join(f"select * from parquet.`{path}`" for path in arrived)
            self._spark.sql(f"create or replace temporary view arrived as {raw}")
        if full:
            self._create("landed", "select '' as path where false")
            self._full()
        elif arrived:
            self._increment()
        self._create("mart", sql.sales_dashboard("days", as_of))
        if arrived:
            told = ", ".join(f"('{path}')" for path in arrived)
            self._spark.sql(f"insert into landed values {told}")
        return {"peak": self._spark.peak()}

    def mart(self) -> dict[str, Any]:
        """The mart's rows."""
        return {"rows": self._spark.sql(mart_rows("mart", "string"))}

    def close(self) -> None:
        """End Spark."""
        self._spark.close()

    def _create(self, table: str, select: str) -> None:
        partitioned = f"partitioned by ({_PARTITIONED[table]})" if table in _PARTITIONED else ""
        self._spark.sql(
            f"create or replace table {table} using iceberg {partitioned} "
            f"tblproperties ({_MERGE_ON_READ}) as {select}"
        )

    def _full(self) -> None:
        self._create("staged", sql.staged_orders("arrived"))
        self._create("orders", sql.core_orders("staged"))
        self._create("firsts", sql.first_orders("orders"))
        self._create("summary", sql.order_summary("orders", "firsts"))
        self._create("customers", sql.sales_customers_daily("orders"))
        self._create("days", sql.sales_daily("summary", "customers"))

    def _increment(self) -> None:
        if not self._orders():
            return
        self._firsts()
        dates = self._dates()
        run = self._spark.sql
        touched = f"(select * from orders where order_date in ({dates}) and {_HOURS})"
        visited = f"(select * from orders where order_date in ({dates}) and {_VISITS})"
        here, there = f"order_date in ({dates})", f"t.order_date in ({dates})"
        summary = sql.order_summary(touched, "firsts")
        run(sql.replaced("summary", _SUMMARY_KEY, summary, f"{here} and {_HOURS}", there))
        customers = sql.sales_customers_daily(visited)
        run(sql.replaced("customers", _VISIT_KEY, customers, f"{here} and {_VISITS}", there))
        days = sql.sales_daily(
            f"(select * from summary where {here})", f"(select * from customers where {here})"
        )
        run(sql.replaced("days", ("order_date", "currency"), days, here, there))

    def _orders(self) -> bool:
        """Versions that win, their orders before and after; whether there are any."""
        keep, run = self._spark.keep, self._spark.sql
        order = ("updated_at", "_event_time", "_event_id")
        newer = ", ".join(f"s.{name}" for name in order)
        mine = ", ".join(f"a.{name}" for name in order)
        keep("candidates", sql.staged_orders("arrived"))
        keep(
            "known",
            f"select order_id, created_at, {', '.join(order)} from staged "
            "where order_id in (select order_id from candidates)",
        )
        keep(
            "changed",
            "select a.* from candidates a left join known s on s.order_id = a.order_id "
            f"where s.order_id is null or struct({mine}) > struct({newer})",
        )
        # Files are skipped by when orders were created: as they were known, and as they are now.
        ((since, until),) = run(
            "select min(created_at), max(created_at) from (select created_at from changed "
            "union all select created_at from known)"
        )
        if not run("select 1 from changed limit 1"):
            return False
        between = f"created_at between timestamp '{since}' and timestamp '{until}'"
        run(
            sql.merged(
                "staged", ["order_id"], "select *, false as gone from changed", f"t.{between}"
            )
        )
        keep(
            "before",
            f"select * from orders where {between} "
            "and source_order_id in (select order_id from changed)",
        )
        keep("after", sql.core_orders("changed"))
        moved = (
            "select *, false as gone from after union all select *, true from before "
            "where order_id not in (select order_id from after)"
        )
        run(sql.merged("orders", ["order_id"], moved, f"t.{between}"))
        return True

    def _firsts(self) -> None:
        """First orders of the customers of those, and which hours and visits follow from all."""
        keep, run = self._spark.keep, self._spark.sql
        either = "(select * from before union all select * from after)"
        keep("buyers", f"select distinct customer_id from {either} where customer_id is not null")
        keep("firsts_before", f"select * from firsts where {_BUYERS}")
        keep("firsts_after", sql.first_orders(f"(select * from orders where {_BUYERS})"))
        keep("firsts_new", "from firsts_after except from firsts_before")
        keep("firsts_old", "from firsts_before except from firsts_after")
        moved = (
            "select *, false as gone from firsts_new union all select *, true from firsts_old "
            "where customer_id not in (select customer_id from firsts_new)"
        )
        if run(f"{moved} limit 1"):
            run(sql.merged("firsts", ["customer_id"], moved))
        keep(
            "touched_hours",
            f"select order_date, order_hour from {either} "
            "union select order_date, order_hour from firsts_new "
            "union select order_date, order_hour from firsts_old",
        )
        keep("touched_visits", f"select distinct order_date, currency, customer_id from {either}")

    def _dates(self) -> str:
        """Days of those hours, as literals."""
        found = self._spark.sql("select distinct order_date from touched_hours order by 1")
        return ", ".join(f"date '{day}'" for (day,) in found)


if __name__ == "__main__":
    tables = Tables(sys.argv[1], Path(sys.argv[2]))
    serve({"build": tables.build, "mart": tables.mart})
    tables.close()
