"""Orders by hour, place and channel."""

from __future__ import annotations

from shared.tables.derived import derived_table, several
from shared.tables.spec import Derivation, Grain, Kind, Partitioning, Type

_GRAIN = (
    *("order_date", "order_hour", "currency"),
    *("shipping_country", "shipping_country_code", "shipping_state", "channel", "source"),
)

ORDER_SUMMARY = derived_table(
    "analytics.order_summary",
    "Orders of core.orders by hour, currency, place and channel. Amounts of a currency that do "
    "not fit decimal(18, 2) are null.",
    (
        ("order_date", Type.DATE, "Business date."),
        ("order_hour", Type.INT, "Hour of the day, 0 to 23."),
        ("shipping_country", Type.STRING, "Unknown where it is not known."),
        ("shipping_country_code", Type.STRING, "XX where it is not known."),
        *several(Type.STRING, "shipping_state channel", "Unknown where it is not known."),
        ("source", Type.STRING, "Vendor."),
        ("currency", Type.STRING, "Currency of every amount of the row."),
        ("total_orders", Type.LONG, "All orders, cancelled ones included."),
        *several(Type.LONG, "completed_orders cancelled_orders refunded_orders"),
        ("pending_orders", Type.LONG, "Orders that are pending_payment, processing or open."),
        ("unique_customers", Type.LONG, "Different customers; guests are none."),
        ("new_customers", Type.LONG, "Customers whose first order (core.first_orders) is here."),
        ("returning_customers", Type.LONG, "The other customers."),
        ("gross_revenue", Type.DECIMAL_18_2, "Sum of total_price over all orders."),
        (
            "net_revenue",
            Type.DECIMAL_18_2,
            "Sum of total_price over orders neither cancelled nor refunded.",
        ),
        *several(Type.DECIMAL_18_2, "total_discounts total_shipping total_tax"),
        ("avg_order_value", Type.DECIMAL_18_2, "Mean of the known total_price, half-up."),
        ("avg_discount_per_order", Type.DECIMAL_18_2, "Mean discount of all orders, half-up."),
        (
            "avg_items_per_order",
            Type.DECIMAL_10_2,
            "Mean of line_item_count, half-up; 1 where it is not known.",
        ),
        ("orders_with_discount", Type.LONG, ""),
        ("discount_rate", Type.DECIMAL_5_4, "orders_with_discount / total_orders, half-up."),
        ("_computed_at", Type.TIMESTAMP, "When the row was written."),
        ("_partition_key", Type.STRING, "order_date as text."),
    ),
    Derivation(
        kind=Kind.GROUP,
        reads=("core.orders", "core.first_orders"),
        key=_GRAIN,
        sort=_GRAIN,
        stamped=("_computed_at",),
    ),
    Partitioning("order_date", Grain.MONTH),
    required=frozenset(_GRAIN),
)
"""By month: late changes reach many days, and every partition touched is two files of a commit."""
