"""core.orders: which staged orders count, and what they are called."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from services.transformer.framework.frames import computed, schema
from services.transformer.potential_ids import potential_id
from shared.tables.core.orders import ORDERS
from tests.support.table_rows import only, rows_of
from tests.support.vertical import built

STAGED = "staging.stg_shopify_orders"
CREATED = datetime(2026, 5, 1, 23, 59, 59, 999_999, UTC)


def orders(*rows: dict[str, Any]) -> pl.DataFrame:
    defaults = {"order_id": 7, "created_at": CREATED, "is_test": False}
    return built(ORDERS.name, {STAGED: rows_of(STAGED, *({**defaults, **row} for row in rows))})


@pytest.mark.parametrize(
    "left_out",
    [
        {"is_test": True},
        {"deleted_at": CREATED},
        {"deleted_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"created_at": None, "is_test": None, "deleted_at": CREATED},
    ],
    ids=["a test", "deleted", "deleted before its last version", "known by its deletion only"],
)
def test_what_does_not_count(left_out: dict[str, Any]) -> None:
    assert orders(left_out).is_empty()


def test_cancelled_orders_count() -> None:
    found = only(
        orders({"cancelled_at": CREATED, "is_cancelled": True, "order_status": "cancelled"})
    )
    assert (found["is_cancelled"], found["order_status"]) == (True, "cancelled")


def test_ids() -> None:
    found = only(orders({"customer_id": 42}))
    assert (found["order_id"], found["source"]) == ("shopify_7", "shopify")
    assert (found["source_order_id"], found["source_customer_id"]) == (7, "42")
    assert found["customer_id"] == potential_id("shopify_customers", "42")


def test_a_guest_is_no_customer() -> None:
    found = only(orders({"customer_id": None, "customer_email_token": "tok_1"}))
    assert (found["customer_id"], found["source_customer_id"]) == (None, None)
    assert found["customer_email_token"] == "tok_1"


@pytest.mark.parametrize(("staged", "currency"), [("EUR", "EUR"), (None, "XXX"), ("", "XXX")])
def test_there_is_always_a_currency(staged: str | None, currency: str) -> None:
    assert only(orders({"currency": staged}))["currency"] == currency


def test_the_date_is_of_utc() -> None:
    assert only(orders({}))["order_date"] == date(2026, 5, 1)


def test_other_names_for_the_same() -> None:
    renamed = {
        "total_discounts": "discount_amount",
        "total_shipping": "shipping_amount",
        "total_tax": "tax_amount",
        "current_subtotal_price": "current_subtotal",
        "current_total_price": "current_total",
    }
    amounts = {name: Decimal(at) for at, name in enumerate(renamed)}
    found = only(orders({**amounts, "shipping_province": "Var", "source_name": "web"}))
    assert {staged: found[core] for staged, core in renamed.items()} == amounts
    assert (found["shipping_state"], found["channel"]) == ("Var", "web")


def test_each_order_is_one_row() -> None:
    found = orders({"order_id": 1}, {"order_id": 2}, {"order_id": 3, "is_test": True})
    assert found["order_id"].sort().to_list() == ["shopify_1", "shopify_2"]


def test_nothing_gives_nothing_in_the_tables_types() -> None:
    assert orders().schema == schema(ORDERS, computed(ORDERS))
