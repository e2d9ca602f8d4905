"""Sales by day before the calendar is laid over them: partials that the mart stands on."""

from __future__ import annotations

from shared.tables.derived import derived_table, several
from shared.tables.spec import Derivation, Grain, Kind, Partitioning, Type

SALES_CUSTOMERS_DAILY = derived_table(
    "metadata.sales_customers_daily",
    "Who ordered on a day: a set, because different customers cannot be counted from sums.",
    (
        ("order_date", Type.DATE, "Business date."),
        ("currency", Type.STRING, "As in core.orders."),
        ("customer_id", Type.STRING, "As in core.orders; guests are not here."),
        ("total_orders", Type.LONG, "Orders of the customer on that day in that currency."),
        ("_computed_at", Type.TIMESTAMP, "When the row was written."),
    ),
    Derivation(
        kind=Kind.GROUP,
        reads=("core.orders",),
        key=("order_date", "currency", "customer_id"),
        sort=("order_date", "currency", "customer_id"),
        stamped=("_computed_at",),
    ),
    Partitioning("order_date", Grain.MONTH),
    required=frozenset({"order_date", "currency", "customer_id", "total_orders"}),
)

SALES_DAILY = derived_table(
    "metadata.sales_daily",
    "Sales by day and currency: days with orders only, and nothing that looks at other days.",
    (
        ("order_date", Type.DATE, "Business date."),
        ("currency", Type.STRING, "As in core.orders."),
        *several(Type.DECIMAL_18_2, "gross_revenue net_revenue"),
        *several(Type.DECIMAL_18_2, "total_discounts total_shipping total_tax"),
        *several(Type.LONG, "total_orders completed_orders cancelled_orders refunded_orders"),
        ("total_customers", Type.LONG, "Different customers of the day; guests are none."),
        ("new_customers", Type.LONG, "Customers whose first order is of this day."),
        ("returning_customers", Type.LONG, "The other customers."),
        *several(Type.LONG, "web_orders mobile_orders pos_orders api_orders"),
        ("top_country", Type.STRING, "Highest gross revenue, of equal ones the first by name."),
        ("top_country_revenue", Type.DECIMAL_18_2, "Its gross revenue."),
        ("_computed_at", Type.TIMESTAMP, "When the row was written."),
    ),
    Derivation(
        kind=Kind.GROUP,
        reads=("analytics.order_summary", "metadata.sales_customers_daily"),
        key=("order_date", "currency"),
        sort=("currency", "order_date"),
        stamped=("_computed_at",),
        dated="order_date",
    ),
    required=frozenset({"order_date", "currency"}),
)
