"""Whether two marts hold the same, so that what they cost may be compared."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from shared.runtime.errors import CheckFailed

COLUMNS = (
    *("date_key", "currency", "day_of_week", "week_of_year", "month_key", "is_weekend"),
    *("gross_revenue", "net_revenue", "total_discounts", "total_shipping", "total_tax"),
    *("total_orders", "completed_orders", "cancelled_orders", "refunded_orders"),
    *("avg_order_value", "total_customers", "new_customers", "returning_customers"),
    *("new_customer_pct", "web_orders", "mobile_orders", "pos_orders", "api_orders"),
    *("top_country", "top_country_revenue"),
    *("revenue_7d_avg", "revenue_30d_avg", "orders_7d_avg"),
)
"""What every contestant computes. Payment columns are null today, names follow from the date."""

Row = Sequence[str | None]


def mart_rows(table: str, text: str = "varchar") -> str:
    """SQL that gives :data:`COLUMNS` of a table as text, in one order.

    Args:
        table: the mart.
        text: what the dialect calls a text of any length.
    """
    texts = ", ".join(f"cast({name} as {text}) as {name}" for name in COLUMNS)
    return f"select {texts} from {table} order by currency, date_key"


def agree(one: str, rows: Sequence[Row], other: str, others: Sequence[Row]) -> None:
    """See that two marts are the same. Pure.

    Args:
        one, other: whose they are, for the error.
        rows, others: as :func:`mart_rows` gives them.

    Raises:
        CheckFailed: they differ, or hold nothing; names the first difference.
    """
    if not rows:
        raise CheckFailed(f"the mart of {one} is empty")
    for mine, theirs in zip_longest(rows, others):
        if mine is None or theirs is None:
            raise CheckFailed(f"{one} has {len(rows)} rows in the mart, {other} {len(others)}")
        for name, value, other_value in zip(COLUMNS, mine, theirs, strict=True):
            if value != other_value:
                raise CheckFailed(
                    f"{name} of {mine[0]} {mine[1]} is {value} in the mart of {one}, "
                    f"{other_value} in that of {other}"
                )
