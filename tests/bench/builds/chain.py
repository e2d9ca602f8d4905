"""The tables between raw orders and the sales mart, in the order in which they are built."""

from __future__ import annotations

from graphlib import TopologicalSorter

from shared.tables.registry import TABLES

SOURCE = "raw.shopify_orders"
MART = "marts.sales_dashboard_daily"


def chain() -> tuple[str, ...]:
    """All tables that the mart is built from, inputs first, the mart last; no landing table."""
    reads: dict[str, tuple[str, ...]] = {}
    waiting = [MART]
    while waiting:
        name = waiting.pop()
        derived = TABLES[name].derived
        if name not in reads and derived is not None:
            reads[name] = derived.reads
            waiting += derived.reads
    return tuple(name for name in TopologicalSorter(reads).static_order() if name in reads)
