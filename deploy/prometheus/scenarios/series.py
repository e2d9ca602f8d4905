"""Tables of which scenarios tell: selectors of their series, labels of their alerts."""

from __future__ import annotations

SALES = '{layer="marts", table="marts.sales"}'
ORDERS = '{layer="staging", table="staging.shopify_orders"}'
RAW = '{table="raw.shopify_orders"}'
SALES_LABELS = {"layer": "marts", "table": "marts.sales"}
ORDERS_LABELS = {"layer": "staging", "table": "staging.shopify_orders"}
RAW_LABELS = {"table": "raw.shopify_orders"}
