"""Every table by its logical name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.sources.registry import SOURCES
from shared.sources.spec import Entity, SourceSpec
from shared.sources.topics import TOPICS
from shared.tables import metadata
from shared.tables.analytics.order_summary import ORDER_SUMMARY
from shared.tables.core.first_orders import FIRST_ORDERS
from shared.tables.core.orders import ORDERS
from shared.tables.marts.sales_dashboard_daily import SALES_DASHBOARD_DAILY
from shared.tables.raw.landing import export_table, raw_table
from shared.tables.sales import SALES_CUSTOMERS_DAILY, SALES_DAILY
from shared.tables.spec import TableSpec
from shared.tables.staging.rejected import SHOPIFY_CUSTOMERS_REJECTED, SHOPIFY_ORDERS_REJECTED
from shared.tables.staging.shopify_customers import SHOPIFY_CUSTOMERS
from shared.tables.staging.shopify_orders import SHOPIFY_ORDERS


def _raw(source: SourceSpec, entity: Entity) -> TableSpec:
    export = source.export(entity.topic)
    return raw_table(entity) if export is None else export_table(source.name, entity, export)


_ALL: tuple[TableSpec, ...] = (
    *(_raw(source, entity) for source in SOURCES.values() for entity in source.entities),
    metadata.DEAD_LETTERS,
    metadata.DEAD_LETTERS_HANDLED,
    SHOPIFY_ORDERS,
    SHOPIFY_ORDERS_REJECTED,
    SHOPIFY_CUSTOMERS,
    SHOPIFY_CUSTOMERS_REJECTED,
    ORDERS,
    FIRST_ORDERS,
    ORDER_SUMMARY,
    SALES_CUSTOMERS_DAILY,
    SALES_DAILY,
    SALES_DASHBOARD_DAILY,
)

TABLES: Mapping[str, TableSpec] = MappingProxyType({spec.name: spec for spec in _ALL})


def landing_tables() -> tuple[TableSpec, ...]:
    """Tables that stream_writer fills from topics."""
    return tuple(spec for spec in TABLES.values() if spec.topics)


def derived_tables() -> tuple[TableSpec, ...]:
    """Tables that transformer builds from others."""
    return tuple(spec for spec in TABLES.values() if spec.derived is not None)


def table_of_topic(topic: str) -> TableSpec:
    """The landing table of a logical topic.

    Raises:
        KeyError: no table takes this topic.
    """
    for spec in landing_tables():
        if topic in spec.topics:
            return spec
    raise KeyError(f"no landing table for topic {topic!r}")


for _spec in _ALL:
    for _topic in _spec.topics:
        if _topic not in TOPICS:
            raise ValueError(f"table {_spec.name} reads unknown topic {_topic!r}")
    for _read in () if _spec.derived is None else _spec.derived.reads:
        if _read not in TABLES:
            raise ValueError(f"table {_spec.name} reads unknown table {_read!r}")
