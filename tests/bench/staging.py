"""CPU cost of staging orders: raw rows in memory to the latest version of each, all cores' time.

The rows are the demonstration's orders through stream_writer's parser. The peer is DuckDB with the
query that the demonstration checks the table with: the same rules, but for the tokens.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from deploy.demo import recomputation
from services.stream_writer.parsing.rows import parse
from services.transformer import tokens
from services.transformer.framework.folding import candidates, fold
from services.transformer.transforms.stg_shopify_orders import TRANSFORM
from shared.tables.registry import TABLES
from tests.bench import orders
from tests.bench.report import Measure, measure

ORDERS = TABLES["raw.shopify_orders"]

NOW = datetime(2026, 6, 2, tzinfo=UTC)
DISTINCT, COPIES = 10_000, 10
"""So many orders, each so often under ids of its own: making 100,000 others takes minutes."""

QUICK_DISTINCT, QUICK_COPIES = 200, 1
_NEXT_COPY = 10**11

_QUERIES = Path(recomputation.__file__).parent
_REFUSED, _STAGED = "staging.stg_shopify_orders_rejected", "staging.stg_shopify_orders"


def ours(raw: pa.Table) -> Callable[[], int]:
    """Candidates, then one row per key, as a build does it between reading and writing."""
    rows = pl.DataFrame(raw).select(TRANSFORM.source.columns)
    return lambda: fold(TRANSFORM, candidates(TRANSFORM, rows)).height


def by_sql(raw: pa.Table) -> Callable[[], int]:
    """Peer: DuckDB, quarantine included, because its query of the table stands on that one."""
    sql = duckdb.connect()
    sql.execute("set TimeZone = 'UTC'")
    sql.execute((_QUERIES / "macros.sql").read_text(encoding="utf-8"))
    sql.execute("create schema raw")
    sql.execute("create schema staging")
    sql.register("landed", raw)
    sql.execute("create table raw.shopify_orders as from landed")

    def run() -> int:
        for name in (_REFUSED, _STAGED):
            query = (_QUERIES / f"{name}.sql").read_text(encoding="utf-8")
            sql.execute(f"create or replace table {name} as {query}")
        return int(sql.execute(f"select count(*) from {_STAGED}").fetchall()[0][0])

    return run


def landed(values: list[bytes], copies: int) -> pa.Table:
    """Raw rows of the values, and copies of them under other ids and offsets."""
    rows = parse(ORDERS, "shopify.orders", orders.records(values), NOW).table
    once = pl.DataFrame(rows)
    return pl.concat(
        once.with_columns(pl.col("id", "_offset") + copy * _NEXT_COPY) for copy in range(copies)
    ).to_arrow()


def run(rounds: int, *, quick: bool = False) -> list[Measure]:
    """Thousands of orders per CPU-second; in every round everything takes its turn."""
    distinct, copies = (QUICK_DISTINCT, QUICK_COPIES) if quick else (DISTINCT, COPIES)
    tokens.use(tokens.TokenKey(b"a key for benchmarks and nothing else"))
    faithful = orders.faithful(distinct)
    measures = []
    for kind, values in (("faithful", faithful), ("thin", orders.thin(faithful))):
        raw = landed(values, copies)
        works = {"polars": ours(raw), "DuckDB": by_sql(raw)}
        speeds: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(rounds):
            for name, work in works.items():
                speeds[name].append(_thousands_per_cpu_second(work, distinct * copies))
        size = sum(map(len, values)) // distinct
        measures.append(
            measure(
                f"stage {distinct * copies:,} {kind} orders of {size:,} bytes",
                speeds["polars"],
                "thousand/CPU-s",
                peer="DuckDB",
                peer_values=speeds["DuckDB"],
            )
        )
    return measures


def _thousands_per_cpu_second(work: Callable[[], int], count: int) -> float:
    started = time.process_time()
    staged = work()
    took = time.process_time() - started
    if staged != count:
        raise ValueError(f"{staged} orders were staged of {count}")
    return count / 1000 / took
