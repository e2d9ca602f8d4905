"""Order webhooks as records, in the two sizes that figures are told for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

import orjson

from deploy.generator.delivery import Delivery
from deploy.generator.plan import stream
from shared.contracts.envelope import Envelope
from shared.contracts.identity import uuid7
from tests.support.records import FetchedRecord

_ID = re.compile(rb'{"id":(\d+)')
"""Orders of the benchmarks are cut short or spoilt on purpose, but never before here."""

DRIFTED_ONE_IN, BROKEN_ONE_IN = 100, 1000

_THIN = (
    *("id", "name", "email", "currency", "financial_status", "total_price", "subtotal_price"),
    *("total_tax", "created_at", "updated_at", "processed_at", "test", "confirmed"),
    *("taxes_included", "number", "order_number"),
)
_THIN_CUSTOMER = ("id", "email", "first_name")
_THIN_ITEM = ("id", "product_id", "variant_id", "title", "quantity", "price", "sku")


def faithful(count: int, seed: int = 7) -> list[bytes]:
    """New orders as the demonstration posts them: about 5.3 kB each, no two alike."""
    return [delivery.body for delivery in islice(_created(seed), count)]


def thin(values: Sequence[bytes]) -> list[bytes]:
    """The same orders cut to their busiest fields and two items: about 787 bytes each."""
    return [orjson.dumps(_cut(orjson.loads(value))) for value in values]


def odd(values: Sequence[bytes]) -> list[bytes]:
    """The same, one in a hundred with a price that is none, one in a thousand cut short."""
    return [_odd(value, at) for at, value in enumerate(values)]


def records(values: Sequence[bytes]) -> list[FetchedRecord]:
    """Records of partition 0 as ingest writes them: key, and headers that no other record has."""
    now = datetime.now(UTC)
    return [_record(value, offset, now) for offset, value in enumerate(values)]


def _record(value: bytes, offset: int, now: datetime) -> FetchedRecord:
    found = _ID.match(value)
    if found is None:
        raise ValueError(f"an order begins with its id, not with {value[:20]!r}")
    subject = found[1].decode()
    delivery_id = uuid7()
    envelope = Envelope(
        id=delivery_id,
        type="orders/create",
        source="shopify",
        time=now,
        subject=subject,
        content_type="application/json",
        received_at=now,
        delivery_id=delivery_id,
    )
    return FetchedRecord(value, offset, key=subject.encode(), headers=tuple(envelope.headers()))


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


def _odd(value: bytes, at: int) -> bytes:
    if at % DRIFTED_ONE_IN == 0:
        changed = value.replace(b'"total_price":"', b'"total_price":"x', 1)
    elif at % BROKEN_ONE_IN == 1:
        changed = value[:-1]
    else:
        return value
    if changed == value:
        raise ValueError("the change did not change the record it should")
    return changed


def _part(value: object, names: Sequence[str]) -> dict[str, object]:
    return {name: value.get(name) for name in names} if isinstance(value, dict) else {}
