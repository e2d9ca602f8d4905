"""metadata.sales_customers_daily: who ordered on a day, as a set."""

from __future__ import annotations

from datetime import date

from services.transformer.framework.frames import computed, schema
from shared.tables.sales import SALES_CUSTOMERS_DAILY
from tests.support.table_rows import rows_of
from tests.support.vertical import built

ORDERS = "core.orders"
MONDAY, TUESDAY = date(2026, 5, 4), date(2026, 5, 5)


def test_a_customer_is_once_a_day_and_currency_and_guests_are_not() -> None:
    rows = [
        {"order_date": day, "currency": currency, "customer_id": customer}
        for day, currency, customer in [
            (MONDAY, "EUR", "ada"), (MONDAY, "EUR", "ada"), (MONDAY, "USD", "ada"),
            (TUESDAY, "EUR", "ada"), (MONDAY, "EUR", "grace"), (MONDAY, "EUR", None),
        ]
    ]  # fmt: skip
    found = built(SALES_CUSTOMERS_DAILY.name, {ORDERS: rows_of(ORDERS, *rows)})
    assert sorted(found.iter_rows()) == [
        (MONDAY, "EUR", "ada", 2),
        (MONDAY, "EUR", "grace", 1),
        (MONDAY, "USD", "ada", 1),
        (TUESDAY, "EUR", "ada", 1),
    ]


def test_nothing_gives_nothing_in_the_tables_types() -> None:
    found = built(SALES_CUSTOMERS_DAILY.name, {ORDERS: rows_of(ORDERS)})
    assert found.schema == schema(SALES_CUSTOMERS_DAILY, computed(SALES_CUSTOMERS_DAILY))
