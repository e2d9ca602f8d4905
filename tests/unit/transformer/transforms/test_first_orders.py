"""core.first_orders: the earliest order of a customer that was not cancelled."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from services.transformer.framework.frames import computed, schema
from shared.tables.core.first_orders import FIRST_ORDERS
from tests.support.table_rows import only, rows_of
from tests.support.vertical import built

ORDERS = "core.orders"


def at(hour: int) -> datetime:
    return datetime(2026, 5, 1, hour, tzinfo=UTC)


def order(name: str, hour: int, customer: str | None = "ada", **more: Any) -> dict[str, Any]:
    return {
        "order_id": name,
        "customer_id": customer,
        "created_at": at(hour),
        "order_date": at(hour).date(),
        "is_cancelled": False,
        **more,
    }


def first_orders(*rows: dict[str, Any]) -> pl.DataFrame:
    return built(FIRST_ORDERS.name, {ORDERS: rows_of(ORDERS, *rows)})


def test_the_earliest() -> None:
    assert only(first_orders(order("b", 9), order("a", 10), order("c", 23))) == {
        "customer_id": "ada",
        "order_id": "b",
        "order_date": date(2026, 5, 1),
        "order_hour": 9,
        "created_at": at(9),
    }


def test_of_equally_early_ones_the_smallest_id() -> None:
    rows = [order("b", 9), order("a", 9), order("c", 9)]
    for arrived in (rows, rows[::-1]):
        assert only(first_orders(*arrived))["order_id"] == "a"


def test_a_cancelled_order_makes_nobody_a_customer() -> None:
    cancelled = order("a", 8, is_cancelled=True)
    assert only(first_orders(cancelled, order("b", 9)))["order_id"] == "b"
    assert first_orders(cancelled).is_empty()


def test_guests_are_no_customers() -> None:
    assert first_orders(order("a", 8, customer=None)).is_empty()


def test_each_customer_has_one() -> None:
    found = first_orders(order("a", 8), order("b", 7, "grace"), order("c", 9, "grace"))
    assert dict(found.select("customer_id", "order_id").iter_rows()) == {"ada": "a", "grace": "b"}


def test_nothing_gives_nothing_in_the_tables_types() -> None:
    assert first_orders().schema == schema(FIRST_ORDERS, computed(FIRST_ORDERS))
