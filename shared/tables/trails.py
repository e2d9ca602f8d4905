"""How a row leads to the rows that are built from it: for following one event down to a mart.

A key column that the input has under the same name is that one; what is otherwise is declared here,
in SQL over the input's row. It is told for people's eyes and takes no part in building. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.tables.spec import TableSpec

_DECLARED: Mapping[tuple[str, str], Mapping[str, str]] = MappingProxyType(
    {
        ("staging.stg_shopify_orders", "raw.shopify_orders"): {"order_id": "id"},
        ("staging.stg_shopify_customers", "raw.shopify_customers"): {
            "customer_id": "coalesce(redacted_customer_id, id)"
        },
        ("core.orders", "staging.stg_shopify_orders"): {"order_id": "'shopify_' || order_id"},
        ("analytics.order_summary", "core.orders"): {
            "order_hour": "extract(hour from created_at)::int",
            "shipping_country": "coalesce(shipping_country, 'Unknown')",
            "shipping_country_code": "coalesce(shipping_country_code, 'XX')",
            "shipping_state": "coalesce(shipping_state, 'Unknown')",
            "channel": "coalesce(channel, 'Unknown')",
        },
        ("marts.sales_dashboard_daily", "metadata.sales_daily"): {"date_key": "order_date"},
    }
)


def trail(target: TableSpec, source: TableSpec) -> Mapping[str, str]:
    """Key column of ``target`` → SQL over a row of ``source``.

    May name only part of the key; then a row leads to several. Empty when nothing is known, or one
    of the two is no table of a chain.
    """
    if target.derived is None or source.name not in target.derived.reads:
        return {}
    declared = _DECLARED.get((target.name, source.name), {})
    known = {column.name for column in source.columns}
    return {
        column: declared.get(column, f'"{column}"')
        for column in target.derived.key
        if column in declared or column in known
    }


def declared_pairs() -> tuple[tuple[str, str], ...]:
    """(target, source) of everything that is declared here."""
    return tuple(_DECLARED)
