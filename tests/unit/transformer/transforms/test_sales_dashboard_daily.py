"""marts.sales_dashboard_daily: a calendar without gaps, and what a day looks back on."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from services.transformer.framework.frames import computed, schema
from shared.tables.marts.sales_dashboard_daily import SALES_DASHBOARD_DAILY
from tests.support.table_rows import rows_of
from tests.support.vertical import built

SALES = "metadata.sales_daily"
FIRST = date(2026, 5, 1)


def sold(after: int, revenue: str | None = "10.00", orders: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "order_date": FIRST + timedelta(days=after),
        "currency": "EUR",
        "gross_revenue": None if revenue is None else Decimal(revenue),
        "net_revenue": Decimal(0),
        "total_orders": orders,
        **more,
    }


def mart(*days: dict[str, Any], until: int | None = 0) -> pl.DataFrame:
    as_of = None if until is None else FIRST + timedelta(days=until)
    found = built(SALES_DASHBOARD_DAILY.name, {SALES: rows_of(SALES, *days)}, as_of)
    return found.sort("currency", "date_key")


def days(frame: pl.DataFrame) -> list[int]:
    return [(day - FIRST).days for day in frame["date_key"].to_list()]


class TestCalendar:
    def test_every_day_from_the_first_to_the_last(self) -> None:
        assert days(mart(sold(0), sold(3), until=5)) == [0, 1, 2, 3, 4, 5]

    def test_each_currency_begins_with_its_own_first_day(self) -> None:
        found = mart(sold(0), sold(2, currency="USD"), until=3)
        assert days(found.filter(currency="EUR")) == [0, 1, 2, 3]
        assert days(found.filter(currency="USD")) == [2, 3]

    def test_days_to_come_wait_for_their_tick(self) -> None:
        assert days(mart(sold(0), sold(2), until=1)) == [0, 1]
        assert mart(sold(2), until=1).is_empty()

    def test_without_a_date_it_ends_with_the_last_order(self) -> None:
        assert days(mart(sold(0), sold(2), until=None)) == [0, 1, 2]

    def test_a_day_without_orders_is_zero_and_has_no_ratios(self) -> None:
        empty = mart(sold(0), until=1).row(1, named=True)
        assert empty["gross_revenue"] == empty["net_revenue"] == empty["total_orders"] == 0
        assert empty["total_customers"] == empty["web_orders"] == 0
        nulls = ("avg_order_value", "new_customer_pct", "top_country", "top_country_revenue")
        assert [empty[name] for name in nulls] == [None] * 4

    @pytest.mark.parametrize(
        ("day", "number", "name", "week", "quarter", "weekend"),
        [
            (date(2026, 5, 3), 1, "Sunday", 18, "2026-Q2", True),
            (date(2026, 5, 4), 2, "Monday", 19, "2026-Q2", False),
            (date(2026, 5, 8), 6, "Friday", 19, "2026-Q2", False),
            (date(2026, 5, 9), 7, "Saturday", 19, "2026-Q2", True),
            (date(2027, 1, 3), 1, "Sunday", 53, "2027-Q1", True),
            (date(2024, 12, 30), 2, "Monday", 1, "2024-Q4", False),
            (date(2024, 2, 29), 5, "Thursday", 9, "2024-Q1", False),
        ],
    )
    def test_what_a_day_is_called(
        self, day: date, number: int, name: str, week: int, quarter: str, weekend: bool
    ) -> None:
        found = built(
            SALES_DASHBOARD_DAILY.name, {SALES: rows_of(SALES, sold(0, order_date=day))}, day
        )
        (row,) = found.to_dicts()
        assert (row["day_of_week"], row["day_name"], row["is_weekend"]) == (number, name, weekend)
        assert (row["week_of_year"], row["quarter_key"]) == (week, quarter)
        assert (row["month_key"], row["year_key"]) == (day.isoformat()[:7], day.year)


class TestRatios:
    def test_the_average_order_is_half_up(self) -> None:
        found = mart(sold(0, "0.05", 2))
        assert found["avg_order_value"].to_list() == [Decimal("0.03")]

    @pytest.mark.parametrize(
        ("new", "total", "share"), [(1, 3, "0.3333"), (2, 3, "0.6667"), (3, 3, "1"), (0, 3, "0")]
    )
    def test_the_share_of_new_customers(self, new: int, total: int, share: str) -> None:
        found = mart(sold(0, new_customers=new, total_customers=total))
        assert found["new_customer_pct"].to_list() == [Decimal(share)]

    def test_no_customers_have_no_share(self) -> None:
        found = mart(sold(0, new_customers=0, total_customers=0))
        assert found["new_customer_pct"].to_list() == [None]


class TestMeans:
    def test_seven_calendar_days_fewer_at_the_beginning(self) -> None:
        found = mart(sold(0, "7.00", 7), sold(2, "14.00", 1), until=9)
        assert found["revenue_7d_avg"].to_list() == [
            Decimal(text)
            for text in ["7", "3.5", "7", "5.25", "4.20", "3.50", "3.00", "2.00", "2.00", "0"]
        ]
        assert found["orders_7d_avg"].to_list()[-4:] == [
            Decimal(text) for text in ["1.14", "0.14", "0.14", "0"]
        ]

    def test_thirty_calendar_days(self) -> None:
        found = mart(sold(0, "30.00"), until=31)["revenue_30d_avg"].to_list()
        assert found[28:] == [Decimal("1.03"), Decimal("1.00"), Decimal(0), Decimal(0)]

    def test_currencies_do_not_look_at_each_other(self) -> None:
        found = mart(sold(0, "7.00"), sold(1, "70.00", currency="USD"), until=1)
        assert found.filter(currency="USD")["revenue_7d_avg"].to_list() == [Decimal(70)]
        assert found.filter(currency="EUR")["revenue_7d_avg"].to_list() == [
            Decimal(7),
            Decimal("3.5"),
        ]

    def test_large_sums_do_not_overflow(self) -> None:
        greatest = "9999999999999999.99"
        found = mart(*(sold(day, greatest) for day in range(40)), until=39)
        assert set(found["revenue_30d_avg"].to_list()) == {Decimal(greatest)}

    def test_an_unknown_sum_is_in_no_mean(self) -> None:
        found = mart(sold(0, None), until=7)["revenue_7d_avg"].to_list()
        assert found == [None] * 7 + [Decimal(0)]


def test_payments_are_not_known() -> None:
    found = mart(sold(0))
    columns = ("payment_volume", "successful_payments", "failed_payments", "payment_success_rate")
    assert found.select(columns).row(0) == (None,) * 4


def test_the_order_of_rows_means_nothing() -> None:
    rows = [sold(day, f"{day}.10", currency=currency) for day in range(9) for currency in "AB"]
    assert mart(*rows, until=12).equals(mart(*rows[::-1], until=12))


def test_nothing_gives_nothing_in_the_tables_types() -> None:
    assert mart().schema == schema(SALES_DASHBOARD_DAILY, computed(SALES_DASHBOARD_DAILY))
