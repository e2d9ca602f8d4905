"""Every table by its logical name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.contracts.topics import TOPICS
from shared.tables import metadata
from shared.tables.raw import shopify, stripe
from shared.tables.spec import TableSpec

_ALL: tuple[TableSpec, ...] = (
    shopify.ORDERS,
    shopify.CUSTOMERS,
    shopify.PRODUCTS,
    stripe.CHARGES,
    stripe.CUSTOMERS,
    metadata.DEAD_LETTERS,
)

TABLES: Mapping[str, TableSpec] = MappingProxyType({spec.name: spec for spec in _ALL})


def landing_tables() -> tuple[TableSpec, ...]:
    """Tables that stream_writer fills from topics."""
    return tuple(spec for spec in TABLES.values() if spec.topics)


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
