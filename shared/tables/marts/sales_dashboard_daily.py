"""Sales by day, for the dashboard."""

from __future__ import annotations

from shared.tables.derived import derived_table, several
from shared.tables.spec import Derivation, Kind, Type

SALES_DASHBOARD_DAILY = derived_table(
    "marts.sales_dashboard_daily",
    "Sales by day and currency: one row for every day from a currency's first order to today, "
    "days without orders included.",
    (
        ("date_key", Type.DATE, "Business date."),
        ("currency", Type.STRING, "Currency of every amount of the row."),
        ("day_of_week", Type.INT, "1 = Sunday to 7 = Saturday."),
        ("day_name", Type.STRING, "Sunday to Saturday."),
        ("week_of_year", Type.INT, "Week of ISO 8601: of the year that the week belongs to."),
        ("month_key", Type.STRING, "2026-01."),
        ("quarter_key", Type.STRING, "2026-Q1."),
        ("year_key", Type.INT, ""),
        ("is_weekend", Type.BOOLEAN, "Saturday or Sunday."),
        ("gross_revenue", Type.DECIMAL_18_2, "Sum of total_price over all orders."),
        (
            "net_revenue",
            Type.DECIMAL_18_2,
            "Sum of total_price over orders neither cancelled nor refunded.",
        ),
        *several(Type.DECIMAL_18_2, "total_discounts total_shipping total_tax"),
        ("total_orders", Type.LONG, "All orders, cancelled ones included."),
        *several(Type.LONG, "completed_orders cancelled_orders refunded_orders"),
        (
            "avg_order_value",
            Type.DECIMAL_18_2,
            "gross_revenue / total_orders, half-up; null on days without orders.",
        ),
        ("total_customers", Type.LONG, "Different customers of the day; guests are none."),
        ("new_customers", Type.LONG, "Customers whose first order is of this day."),
        ("returning_customers", Type.LONG, "The other customers."),
        (
            "new_customer_pct",
            Type.DECIMAL_5_4,
            "new_customers / total_customers, half-up; null on days without customers.",
        ),
        *several(
            Type.LONG,
            "web_orders mobile_orders pos_orders api_orders",
            "Orders of that channel; other channels are in total_orders only.",
        ),
        ("payment_volume", Type.DECIMAL_18_2, "Null: no payments are read yet."),
        *several(Type.LONG, "successful_payments failed_payments", "Null as payment_volume."),
        ("payment_success_rate", Type.DECIMAL_5_4, "Null as payment_volume."),
        (
            "top_country",
            Type.STRING,
            "The shipping country with the highest gross revenue, of equal ones the first by name.",
        ),
        ("top_country_revenue", Type.DECIMAL_18_2, "Its gross revenue."),
        ("revenue_7d_avg", Type.DECIMAL_18_2, "Mean gross revenue of this and the 6 days before."),
        (
            "revenue_30d_avg",
            Type.DECIMAL_18_2,
            "Mean gross revenue of this and the 29 days before.",
        ),
        ("orders_7d_avg", Type.DECIMAL_10_2, "Mean orders of this and the 6 days before."),
        ("_computed_at", Type.TIMESTAMP, "When the row was written."),
    ),
    Derivation(
        kind=Kind.GROUP,
        reads=("metadata.sales_daily",),
        key=("currency", "date_key"),
        sort=("currency", "date_key"),
        stamped=("_computed_at",),
        ticked=True,
        dated="date_key",
    ),
    required=frozenset({"date_key", "currency"}),
)
"""Means are over calendar days; a currency's first days have fewer behind them. Unpartitioned: a
currency has a row a day."""
