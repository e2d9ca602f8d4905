"""analytics.order_summary: figures of the orders of one hour, place, channel and currency."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from services.transformer.framework.frames import computed, schema
from shared.tables.analytics.order_summary import ORDER_SUMMARY
from tests.support.table_rows import only, rows_of
from tests.support.vertical import built

ORDERS, FIRST_ORDERS = "core.orders", "core.first_orders"
CREATED = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)


def order(name: str = "a", **more: Any) -> dict[str, Any]:
    return {
        "order_id": name,
        "created_at": CREATED,
        "order_date": CREATED.date(),
        "currency": "EUR",
        "source": "shopify",
        "order_status": "completed",
        "has_discount": False,
        **more,
    }


def summary(*orders: dict[str, Any], firsts: tuple[str, ...] = (), hour: int = 9) -> pl.DataFrame:
    known = (
        {"order_id": name, "order_date": CREATED.date(), "order_hour": hour} for name in firsts
    )
    return built(
        ORDER_SUMMARY.name,
        {ORDERS: rows_of(ORDERS, *orders), FIRST_ORDERS: rows_of(FIRST_ORDERS, *known)},
    )


class TestGrain:
    def test_date_and_hour_of_creation(self) -> None:
        found = only(summary(order()))
        assert (found["order_date"], found["order_hour"]) == (date(2026, 5, 1), 9)
        assert found["_partition_key"] == "2026-05-01"

    def test_what_is_not_known_has_a_name(self) -> None:
        found = only(summary(order()))
        assert found["shipping_country"] == found["shipping_state"] == found["channel"] == "Unknown"
        assert found["shipping_country_code"] == "XX"

    @pytest.mark.parametrize(
        "other",
        [
            {"created_at": CREATED.replace(hour=10)}, {"shipping_country": "France"},
            {"shipping_country_code": "FR"}, {"shipping_state": "Var"}, {"channel": "web"},
            {"source": "other"}, {"currency": "USD"},
        ],
    )  # fmt: skip
    def test_every_part_of_it_tells_orders_apart(self, other: dict[str, Any]) -> None:
        assert summary(order("a"), order("b")).height == 1
        assert summary(order("a"), order("b", **other)).height == 2


class TestCounts:
    def test_by_status(self) -> None:
        statuses = (
            *("completed", "cancelled", "cancelled", "refunded", "processing"),
            *("open", "pending_payment"),
        )
        rows = [order(str(at), order_status=status) for at, status in enumerate(statuses)]
        found = only(summary(*rows))
        assert found["total_orders"] == 7
        assert found["completed_orders"] == 1
        assert found["cancelled_orders"] == 2
        assert found["refunded_orders"] == 1
        assert found["pending_orders"] == 3

    def test_new_customers_are_those_whose_first_order_is_here(self) -> None:
        rows = [
            order("a", customer_id="ada"),
            order("b", customer_id="ada"),
            order("c", customer_id="grace"),
            order("d", customer_id="joan", order_status="cancelled"),
            order("e"),
        ]
        found = only(summary(*rows, firsts=("b", "of another hour")))
        assert found["unique_customers"] == 3
        assert (found["new_customers"], found["returning_customers"]) == (1, 2)

    def test_a_first_order_of_another_hour_is_of_another_group(self) -> None:
        found = only(summary(order("a", customer_id="ada"), firsts=("a",), hour=10))
        assert (found["new_customers"], found["returning_customers"]) == (0, 1)

    def test_guests_are_nobody(self) -> None:
        found = only(summary(order("a"), order("b")))
        assert (found["unique_customers"], found["returning_customers"]) == (0, 0)


class TestMoney:
    def test_gross_is_all_and_net_is_kept(self) -> None:
        prices = {"completed": "10.00", "cancelled": "20.00", "refunded": "40.00", "open": "0.05"}
        rows = [order(s, order_status=s, total_price=Decimal(p)) for s, p in prices.items()]
        found = only(summary(*rows))
        assert found["gross_revenue"] == Decimal("70.05")
        assert found["net_revenue"] == Decimal("10.05")

    def test_unknown_amounts_add_nothing(self) -> None:
        found = only(summary(order("a", total_price=Decimal(3)), order("b")))
        assert found["gross_revenue"] == Decimal(3)
        assert found["total_discounts"] == found["total_shipping"] == found["total_tax"] == 0

    def test_means_are_half_up(self) -> None:
        rows = [
            order("a", total_price=Decimal("0.02"), discount_amount=Decimal("0.01")),
            order("b", total_price=Decimal("0.03")),
            order("c"),
            order("d"),
        ]
        found = only(summary(*rows))
        assert found["avg_order_value"] == Decimal("0.03")
        assert found["avg_discount_per_order"] == Decimal("0.00")
        rows[1]["discount_amount"] = Decimal("0.01")
        assert only(summary(*rows))["avg_discount_per_order"] == Decimal("0.01")

    def test_no_known_price_has_no_mean(self) -> None:
        assert only(summary(order()))["avg_order_value"] is None

    def test_items_not_known_count_one(self) -> None:
        rows = [order("a", line_item_count=4), order("b"), order("c", line_item_count=0)]
        assert only(summary(*rows))["avg_items_per_order"] == Decimal("1.67")

    def test_the_share_of_discounts(self) -> None:
        rows = [order("a", has_discount=True), order("b"), order("c", has_discount=None)]
        found = only(summary(*rows))
        assert (found["orders_with_discount"], found["discount_rate"]) == (1, Decimal("0.3333"))

    def test_a_sum_too_large_is_null_and_nothing_else_suffers(self) -> None:
        greatest = Decimal("9999999999999999.99")
        rows = [order("a", total_price=greatest), order("b", total_price=greatest)]
        found = only(summary(*rows))
        assert (found["gross_revenue"], found["net_revenue"]) == (None, None)
        assert (found["avg_order_value"], found["total_orders"]) == (greatest, 2)


def test_the_order_of_rows_means_nothing() -> None:
    rows = [
        order(str(at), channel=("web", "pos")[at % 2], total_price=Decimal(at), customer_id=str(at))
        for at in range(6)
    ]
    keys = list(ORDER_SUMMARY.derived.key) if ORDER_SUMMARY.derived else []
    forward = summary(*rows, firsts=("1",)).sort(keys)
    assert forward.equals(summary(*rows[::-1], firsts=("1",)).sort(keys))


def test_nothing_gives_nothing_in_the_tables_types() -> None:
    assert summary().schema == schema(ORDER_SUMMARY, computed(ORDER_SUMMARY))
    assert summary(firsts=("a",)).is_empty()
