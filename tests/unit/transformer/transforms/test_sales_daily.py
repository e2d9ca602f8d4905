"""metadata.sales_daily: a day's sums, its customers and its best country."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from services.transformer.framework.frames import computed, schema
from shared.tables.sales import SALES_DAILY
from tests.support.table_rows import only, rows_of
from tests.support.vertical import built

SUMMARY, CUSTOMERS = "analytics.order_summary", "metadata.sales_customers_daily"
DAY = date(2026, 5, 4)


def group(revenue: str | None = "0", country: str = "France", **more: Any) -> dict[str, Any]:
    amount = None if revenue is None else Decimal(revenue)
    return {
        "order_date": DAY, "currency": "EUR", "shipping_country": country, "channel": "web",
        "gross_revenue": amount, "total_orders": 1, "new_customers": 0, **more,
    }  # fmt: skip


def sales(*groups: dict[str, Any], customers: tuple[str, ...] = ()) -> pl.DataFrame:
    there = ({"order_date": DAY, "currency": "EUR", "customer_id": who} for who in customers)
    return built(
        SALES_DAILY.name,
        {SUMMARY: rows_of(SUMMARY, *groups), CUSTOMERS: rows_of(CUSTOMERS, *there)},
    )


def test_sums() -> None:
    names = ("gross_revenue", "net_revenue", "total_discounts", "total_shipping", "total_tax")
    counts = ("completed_orders", "cancelled_orders", "refunded_orders")
    one: dict[str, Any] = {**dict.fromkeys(names, Decimal("1.25")), **dict.fromkeys(counts, 2)}
    found = only(sales(group(**one), group(**one, country="Chile")))
    assert {found[name] for name in names} == {Decimal("2.50")}
    assert {found[name] for name in counts} == {4}
    assert found["total_orders"] == 2


def test_a_sum_that_could_not_be_written_is_no_zero_in_the_days_sum() -> None:
    found = only(sales(group(None, "Chile"), group("5")))
    assert found["gross_revenue"] is None
    assert (found["top_country"], found["top_country_revenue"]) == ("Chile", None)


def test_channels_of_their_own_and_the_others() -> None:
    channels = {"web": 1, "mobile": 2, "pos": 4, "api": 8, "shopify_draft_order": 16, "Unknown": 32}
    found = only(sales(*(group(channel=c, total_orders=n) for c, n in channels.items())))
    assert [found[f"{c}_orders"] for c in ("web", "mobile", "pos", "api")] == [1, 2, 4, 8]
    assert found["total_orders"] == 63


def test_customers_are_counted_once_in_whatever_groups_they_are() -> None:
    groups = [group(new_customers=1, unique_customers=2), group(unique_customers=2)]
    found = only(sales(*groups, customers=("ada", "grace", "joan")))
    assert found["total_customers"] == 3
    assert (found["new_customers"], found["returning_customers"]) == (1, 2)


def test_a_day_of_guests_has_no_customers() -> None:
    found = only(sales(group()))
    assert found["total_customers"] == found["returning_customers"] == 0


class TestTopCountry:
    def test_highest_gross_revenue_over_all_its_groups(self) -> None:
        groups = [group("5", "Chile"), group("3", "France"), group("3", "France", channel="pos")]
        found = only(sales(*groups))
        assert (found["top_country"], found["top_country_revenue"]) == ("France", Decimal(6))

    def test_of_equal_ones_the_first_by_name(self) -> None:
        groups = [group("5", "France"), group("5", "Chile"), group("5", "Norway")]
        for arrived in (groups, groups[::-1]):
            assert only(sales(*arrived))["top_country"] == "Chile"

    def test_nothing_earned_still_has_one(self) -> None:
        found = only(sales(group("0", "Chile")))
        assert (found["top_country"], found["top_country_revenue"]) == ("Chile", Decimal(0))


@pytest.mark.parametrize(
    "other", [{"order_date": date(2026, 5, 5)}, {"currency": "USD"}], ids=["day", "currency"]
)
def test_days_and_currencies_are_apart(other: dict[str, Any]) -> None:
    found = sales(group("1"), group("2", **other), customers=("ada",))
    assert sorted(found["gross_revenue"].to_list()) == [Decimal(1), Decimal(2)]
    assert sorted(found["total_customers"].to_list()) == [0, 1]


def test_nothing_gives_nothing_in_the_tables_types() -> None:
    assert sales().schema == schema(SALES_DAILY, computed(SALES_DAILY))
    assert sales(customers=("ada",)).is_empty()
