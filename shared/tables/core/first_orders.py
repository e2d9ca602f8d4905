"""Since when somebody is a customer."""

from __future__ import annotations

from shared.tables.derived import derived_table
from shared.tables.spec import Derivation, Grain, Kind, Partitioning, Type

FIRST_ORDERS = derived_table(
    "core.first_orders",
    "The first order of every customer that was not cancelled: the earliest created, of equally "
    "early ones the smallest order_id. Customers without such an order have no row.",
    (
        ("customer_id", Type.STRING, "As in core.orders."),
        ("order_id", Type.STRING, "The first order."),
        ("order_date", Type.DATE, "Its business date."),
        ("order_hour", Type.INT, "Its hour of the day, 0 to 23."),
        ("created_at", Type.TIMESTAMP, "When it was created."),
        ("_computed_at", Type.TIMESTAMP, "When the row was written."),
    ),
    Derivation(
        kind=Kind.GROUP,
        reads=("core.orders",),
        key=("customer_id",),
        sort=("created_at", "customer_id"),
        stamped=("_computed_at",),
    ),
    Partitioning("created_at", Grain.MONTH),
    required=frozenset({"customer_id", "order_id", "order_date", "order_hour", "created_at"}),
)
