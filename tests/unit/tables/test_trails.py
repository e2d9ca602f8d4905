"""How a row leads to what is built from it."""

import duckdb
import pytest

from shared.tables.registry import TABLES
from shared.tables.spec import TableSpec, Type
from shared.tables.trails import declared_pairs, trail

EDGES = [
    (target, TABLES[source])
    for target in TABLES.values()
    if target.derived is not None
    for source in target.derived.reads
]
EVERY_EDGE = pytest.mark.parametrize(
    ("target", "source"), EDGES, ids=[f"{t.name} from {s.name}" for t, s in EDGES]
)
DUCKDB = {Type.STRING: "varchar", Type.JSON: "varchar", Type.LONG: "bigint", Type.INT: "integer"}
DUCKDB |= {Type.TIMESTAMP: "timestamptz", Type.DATE: "date", Type.BOOLEAN: "boolean"}


@EVERY_EDGE
def test_every_input_leads_to_at_least_part_of_a_key(target: TableSpec, source: TableSpec) -> None:
    assert trail(target, source)


@EVERY_EDGE
def test_every_expression_is_sql_over_the_input_and_gives_the_keys_type(
    target: TableSpec, source: TableSpec
) -> None:
    columns = ", ".join(
        f'null::{DUCKDB.get(each.type, "double")} as "{each.name}"' for each in source.columns
    )
    with duckdb.connect() as session:
        for name, expression in trail(target, source).items():
            sql = f"select typeof({expression}) from (select {columns})"
            [(type_,)] = session.execute(sql).fetchall()
            assert type_.lower() == DUCKDB[target.column(name).type]


def test_what_is_declared_is_an_edge_and_part_of_a_key() -> None:
    edges = {(target.name, source.name) for target, source in EDGES}
    assert set(declared_pairs()) <= edges


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("staging.stg_shopify_orders", "raw.shopify_orders"),
        ("staging.stg_shopify_orders_rejected", "raw.shopify_orders"),
        ("core.orders", "staging.stg_shopify_orders"),
        ("core.first_orders", "core.orders"),
        ("analytics.order_summary", "core.orders"),
        ("metadata.sales_daily", "analytics.order_summary"),
        ("marts.sales_dashboard_daily", "metadata.sales_daily"),
    ],
)
def test_an_order_is_followed_by_whole_keys_down_to_the_mart(target: str, source: str) -> None:
    derived = TABLES[target].derived
    assert derived is not None
    assert set(trail(TABLES[target], TABLES[source])) == set(derived.key)


def test_tables_that_are_no_neighbours_have_no_trail() -> None:
    assert trail(TABLES["core.orders"], TABLES["raw.shopify_orders"]) == {}
    assert trail(TABLES["raw.shopify_orders"], TABLES["core.orders"]) == {}
