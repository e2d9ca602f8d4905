"""Rows of any table, drawn from small pools of values, so that keys collide and times tie.

A pool is what a column can hold. By type there is one for every column; :data:`POOLS` refines
columns by name, or one table's column by ``table.column``: there a table's values begin to matter
to what is built from it. The first value of a pool is its plainest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl

from services.transformer.framework.frames import schema
from shared.tables.spec import Column, TableSpec, Type

START = datetime(2024, 2, 28, 22, 30, tzinfo=UTC)
"""Close to a leap day, the end of a month and midnight."""

TIMES: Sequence[datetime | None] = [
    *(START + timedelta(minutes=minutes) for minutes in (0, 20, 120, 1441, 4321, 47_000)),
    None,
]
AMOUNTS = [Decimal(text) for text in ("10.00", "0.00", "0.05", "12.35", "999.99", "-3.10")]

BY_TYPE: Mapping[Type, Sequence[Any]] = {
    Type.STRING: ["a", "b", None],
    Type.JSON: [None, "[]", '[{"a": 1}, {"b": 2}]', '{"country": "France", "country_code": "FR"}'],
    Type.INT: [1, 2, 0, None],
    Type.LONG: [1, 2, 3, None],
    Type.BOOLEAN: [False, True, None],
    Type.TIMESTAMP: TIMES,
    Type.DATE: [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2024, 4, 2)],
    Type.BINARY: [None],
    Type.DECIMAL_18_2: [*AMOUNTS, None],
    Type.DECIMAL_10_2: [*AMOUNTS, None],
    Type.DECIMAL_7_2: [*AMOUNTS, None],
    Type.DECIMAL_5_2: [*AMOUNTS, None],
    Type.DECIMAL_3_2: [Decimal("1.50"), Decimal("0.05"), None],
    Type.DECIMAL_7_4: [Decimal("0.5000"), Decimal("0.3333"), None],
    Type.DECIMAL_5_4: [Decimal("0.5000"), Decimal("0.3333"), None],
}

POOLS: Mapping[str, Sequence[Any]] = {
    "currency": ["EUR", "USD", " eur", None],
    "financial_status": ["paid", "pending", "refunded", "partially_refunded", "voided", None],
    "fulfillment_status": ["fulfilled", None, "partial"],
    "order_status": ["completed", "cancelled", "refunded", "open", "pending_payment", None],
    "cancelled_at": [None, None, None, *TIMES[:3]],
    "test": [False, False, False, True, None],
    "is_test": [False, False, False, True],
    "deleted_at": [None, None, *TIMES[:2]],
    "is_deleted": [False, False, True],
    "created_at": [*TIMES[:-1]],
    "email": ["ada@example.com", " Ada@Example.com", "bob@example.com", "", None],
    "phone": ["+33 6 12 34 56 78", "555 123 4567", None],
    "channel": ["web", "mobile", "pos", "api", None],
    "source_name": ["web", "pos", "iphone", "1234", None],
    "order_hour": [0, 22, 23],
    "_received_at": [
        *(START + timedelta(days=days) for days in (33, 34, 35)),
        *(START, None),
    ],
    "_error": [None, None, None, None, "no JSON"],
    "_event_type": ["orders/updated", "orders/create", "orders/updated", "orders/delete"],
    "raw.shopify_orders.id": [1, 2, 3, 4, None],
    "raw.shopify_orders.customer_id": [7, 8, None],
    "raw.shopify_customers._event_type": [
        *("customers/update", "customers/create", "customers/update"),
        *("customers/delete", "customers/redact"),
    ],
    "raw.shopify_customers.id": [7, 8, 9, None],
    "raw.shopify_customers.redacted_customer_id": [None, 7, 8],
    "core.orders.currency": ["EUR", "USD", "XXX"],
    "analytics.order_summary.currency": ["EUR", "USD", "XXX"],
    "metadata.sales_customers_daily.currency": ["EUR", "USD", "XXX"],
    "metadata.sales_daily.currency": ["EUR", "USD", "XXX"],
}


def pool(spec: TableSpec, column: Column) -> Sequence[Any]:
    """What a column of a table can hold."""
    values = POOLS.get(f"{spec.name}.{column.name}", POOLS.get(column.name, BY_TYPE[column.type]))
    keys = () if spec.derived is None else spec.derived.key
    if column.required or column.name in keys:
        values = [value for value in values if value is not None]
    return values


def random_rows(
    spec: TableSpec, random: Random, height: int, columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """Rows of a table; ``columns`` vary, what is not among them is as plain as it gets."""
    pools = {column.name: pool(spec, column) for column in spec.columns}
    varied = set(pools if columns is None else columns)
    data = {
        name: [
            random.choice(values) if name in varied else _plainest(values) for _ in range(height)
        ]
        for name, values in pools.items()
    }
    return pl.DataFrame(data, schema=schema(spec))


def _plainest(values: Sequence[Any]) -> Any:
    return None if None in values else values[0]
