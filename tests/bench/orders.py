"""Bodies of order webhooks, in the two sizes that figures are told for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import orjson

from deploy.demo.delivery import Delivery
from deploy.demo.load import stream

_THIN = (
    *("id", "name", "email", "currency", "financial_status", "total_price", "subtotal_price"),
    *("total_tax", "created_at", "updated_at", "processed_at", "test", "confirmed"),
    *("taxes_included", "number", "order_number"),
)
_THIN_CUSTOMER = ("id", "email", "first_name")
_THIN_ITEM = ("id", "title", "quantity", "price", "sku")


def faithful(count: int, seed: int = 7) -> list[bytes]:
    """New orders as the demonstration posts them: about 5.3 kB each, no two alike."""
    return [delivery.body for delivery in islice(_created(seed), count)]


def thin(values: Sequence[bytes]) -> list[bytes]:
    """The same orders cut to their busiest fields and two items: about 700 bytes each."""
    return [orjson.dumps(_cut(orjson.loads(value))) for value in values]


def _created(seed: int) -> Iterator[Delivery]:
    seen: set[str] = set()
    for delivery in stream(seed):
        if delivery.event_type == "orders/create" and delivery.subject not in seen:
            seen.add(delivery.subject)
            yield delivery


def _cut(order: dict[str, object]) -> dict[str, object]:
    kept = {key: order[key] for key in _THIN if key in order}
    customer, items = order.get("customer"), order["line_items"]
    kept["customer"] = _part(customer or {}, _THIN_CUSTOMER)
    kept["line_items"] = [_part(item, _THIN_ITEM) for item in items[:2]]  # type: ignore[index]
    return kept


def _part(value: object, names: Sequence[str]) -> dict[str, object]:
    return {name: value.get(name) for name in names} if isinstance(value, dict) else {}
