"""A year of orders in any number, made column by column, and later versions of some of them.

Orders of the demonstration (:mod:`tests.bench.orders`) are templates: cut to some 820 bytes of
JSON and read by the project's own parser, once. A row of the history is a template with an id, a
customer, times and a currency of its own, in the typed columns and in the payload alike. Later
versions are few, so each is made as JSON and parsed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from services.stream_writer.parsing.rows import parse
from shared.tables.registry import TABLES
from tests.bench import orders

ORDERS = TABLES["raw.shopify_orders"]

TOPIC = "shopify.orders"
DAYS = 365
RECENT_DAYS = 3
"""A recent order was created in so many last days."""

TEMPLATES = 5_000
"""Together too long for the window of Parquet's compression, as real orders are."""

FIRST_ID = 5_000_000_000
ORDERS_A_CUSTOMER = 4
GUESTS_PER_CENT = 8
TESTS_ONE_IN = 100
CURRENCIES = (*7 * ("USD",), *2 * ("EUR",), "GBP")
UPDATED_WITHIN_S = 2 * 86_400
"""An order's only version in the history is of so long after its creation."""

_KEPT = (
    *("email", "financial_status", "fulfillment_status", "total_price", "subtotal_price"),
    *("total_tax", "total_discounts", "cancelled_at", "source_name", "test", "landing_site"),
)
_ADDRESS = ("city", "province", "country", "country_code")
_ITEM = ("id", "title", "quantity", "price", "sku")


class Which(StrEnum):
    """Which orders change."""

    RECENT = "recent"
    """Created in the last :data:`RECENT_DAYS`."""
    RANDOM = "random"
    """Any, each as likely."""


class OrderHistory:
    """Orders created in the :data:`DAYS` before a moment, evenly.

    Args:
        count: how many.
        end: the moment, timezone-aware, with whole seconds.
        seed: another one gives other orders.
        templates: orders that all others are made of.
    """

    def __init__(
        self, count: int, end: datetime, seed: int = 7, templates: int = TEMPLATES
    ) -> None:
        self.count = count
        self.end = end
        self._seed = seed
        self._cancelled: dict[int, str] = {}
        end_s = int(end.timestamp())
        self._recent_since = end_s - RECENT_DAYS * 86_400
        chance = pl.int_range(count, eager=True)
        created = end_s - 1 - _below(DAYS * 86_400, chance, seed)
        self._created = created.sort()
        later = self._created + _below(UPDATED_WITHIN_S, chance, seed + 1)
        self._updated = later.clip(upper_bound=end_s - 1)
        self._template = _below(templates, chance, seed + 2).cast(pl.Int16)
        customers = max(1, count // ORDERS_A_CUSTOMER)
        guest = _below(100, chance, seed + 3) < GUESTS_PER_CENT
        self._customer = (1 + _below(customers, chance, seed + 4)).set(guest, None)
        self._currency = _below(len(CURRENCIES), chance, seed + 5).cast(pl.Int8)
        self._bodies = _templates(templates)
        self._tails = pa.array([_tail(body) for body in self._bodies], pa.large_string())
        self._typed = _parsed(self._bodies, end)

    def rows(self, first: int, last: int) -> pa.Table:
        """Landed rows of the orders of these numbers, in the order of their creation.

        Returns:
            rows in the Arrow schema of ``raw.shopify_orders``; offsets are the orders' numbers.
        """
        part = slice(first, min(last, self.count))
        offsets = pl.int_range(part.start, part.stop, eager=True)
        size = len(offsets)
        ids = (FIRST_ID + offsets).to_arrow()
        id_text = _text(ids)
        created, updated = _moments(self._created[part]), _moments(self._updated[part])
        customer_id = self._customer[part].to_arrow()
        customer = _joined('{"id":', _text(customer_id), "}")
        currencies = pa.array(CURRENCIES, pa.large_string())
        currency = currencies.take(self._currency[part].to_arrow())
        template = self._template[part].to_arrow()
        token, delivery_id, event_id = (
            _random_texts(f"{self._seed} {what} {first}", size)
            for what in ("token", "delivery", "event")
        )
        typed = self._typed.take(template)
        cancelled = pc.if_else(pc.is_valid(typed["cancelled_at"]), updated, None).combine_chunks()
        payload = _joined(
            *('{"id":', id_text, ',"token":"', token, '","created_at":"', _iso(created)),
            *('","updated_at":"', _iso(updated), '","cancelled_at":'),
            pc.fill_null(_joined('"', _iso(cancelled), '"'), "null"),
            *(',"order_number":', id_text, ',"currency":"', currency, '","customer":'),
            *(pc.fill_null(customer, "null"), ","),
            self._tails.take(template),
        )
        own: dict[str, pa.Array] = {
            "_offset": offsets.to_arrow(),
            "_delivery_id": delivery_id,
            "_event_id": event_id,
            **dict.fromkeys(("_event_time", "_received_at", "_timestamp"), updated),
            "_key": id_text,
            "_payload": payload,
            **dict.fromkeys(("id", "order_number"), ids),
            "token": token,
            "currency": currency,
            "customer": customer,
            "customer_id": customer_id,
            "created_at": created,
            "updated_at": updated,
            "cancelled_at": cancelled,
        }
        columns = [
            own[field.name].cast(field.type) if field.name in own else typed[field.name]
            for field in typed.schema
        ]
        return pa.Table.from_arrays(columns, schema=typed.schema)

    def chosen(self, which: Which, count: int, change: int) -> list[int]:
        """Numbers of the orders that the change of that number changes.

        Raises:
            ValueError: there are not so many.
        """
        first = 0
        if which is Which.RECENT:
            first = int((self._created < self._recent_since).sum())
        return random.Random(f"{self._seed} {change}").sample(range(first, self.count), count)

    def versions(self, numbers: Sequence[int], change: int) -> list[bytes]:
        """The webhooks of a change: the next version of each of these orders.

        Two of five are fulfilled, one each is cancelled, refunded or given another price. What
        was cancelled stays so.
        """
        updated = self.end + timedelta(minutes=change)
        return [
            orjson.dumps(self._changed(number, at % 5, change, updated))
            for at, number in enumerate(numbers)
        ]

    def _changed(self, number: int, kind: int, change: int, updated: datetime) -> dict[str, Any]:
        template = self._bodies[self._template[number]]
        customer = self._customer[number]
        identifier = FIRST_ID + number
        body = {
            "id": identifier,
            "token": f"{change:032x}",
            "created_at": _zulu(datetime.fromtimestamp(self._created[number], UTC)),
            "updated_at": _zulu(updated),
            "currency": CURRENCIES[self._currency[number]],
            "customer": None if customer is None else {"id": customer},
            **template,
            "order_number": identifier,
        }
        if kind == 2:
            self._cancelled[number] = _zulu(updated)
        body["cancelled_at"] = self._cancelled.get(number, template["cancelled_at"])
        match kind:
            case 0 | 1:
                return {**body, "financial_status": "paid", "fulfillment_status": "fulfilled"}
            case 2:
                return body
            case 3:
                return {**body, "financial_status": "refunded"}
            case _:
                cents = 1 + (change * 7919 + number * 104_729) % 50_000
                price = f"{cents // 100}.{cents % 100:02d}"
                return {**body, "total_price": price, "subtotal_price": price}


def parsed(values: Sequence[bytes], first_offset: int, loaded_at: datetime) -> pa.Table:
    """Webhooks as landed rows, at offsets from ``first_offset`` on."""
    rows = parse(ORDERS, TOPIC, orders.records(values), loaded_at).table
    offsets = pa.array(range(first_offset, first_offset + len(values)), pa.int64())
    at = rows.schema.get_field_index("_offset")
    return rows.set_column(at, rows.schema.field(at), offsets)


def _templates(count: int) -> list[dict[str, Any]]:
    made = [_cut(orjson.loads(value)) for value in orders.faithful(count)]
    for body in made[::TESTS_ONE_IN]:
        body["test"] = True
    return made


def _cut(order: Mapping[str, Any]) -> dict[str, Any]:
    """The busiest fields, one address and one item."""
    shipping = order["total_shipping_price_set"]["shop_money"]
    address = order["shipping_address"] or {}
    return {
        **{name: order.get(name) for name in _KEPT},
        "total_shipping_price_set": {"shop_money": shipping},
        "discount_codes": [{"code": each["code"]} for each in order["discount_codes"]],
        "shipping_address": {name: address.get(name) for name in _ADDRESS},
        "line_items": [
            {name: item.get(name) for name in _ITEM} for item in order["line_items"][:1]
        ],
    }


def _tail(body: Mapping[str, Any]) -> str:
    """What follows the members that every order has of its own."""
    rest = {name: value for name, value in body.items() if name != "cancelled_at"}
    return orjson.dumps(rest).decode()[1:]


def _parsed(bodies: Sequence[Mapping[str, Any]], loaded_at: datetime) -> pa.Table:
    numbered = [orjson.dumps({"id": at, **body}) for at, body in enumerate(bodies)]
    return parse(ORDERS, TOPIC, orders.records(numbered), loaded_at).table.combine_chunks()


def _below(bound: int, numbers: pl.Series, seed: int) -> pl.Series:
    """For every number one from 0 to ``bound`` - 1, always the same."""
    return (numbers.hash(seed) % bound).cast(pl.Int64)


def _moments(seconds: pl.Series) -> pa.Array:
    return (seconds * 1_000_000).cast(pl.Datetime("us", "UTC")).to_arrow()


def _iso(moments: pa.Array) -> pa.Array:
    """As :func:`_zulu` writes them."""
    whole = moments.cast(pa.timestamp("s", tz="UTC"))
    return pc.strftime(whole, format="%Y-%m-%dT%H:%M:%SZ").cast(pa.large_string())


def _zulu(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(values: pa.Array) -> pa.Array:
    return values.cast(pa.large_string())


def _joined(*parts: str | pa.Array) -> pa.Array:
    """Texts one after another, row by row."""
    texts = [
        pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts
    ]
    return pc.binary_join_element_wise(*texts, pa.scalar("", pa.large_string()))


def _random_texts(seed: str, size: int) -> pa.Array:
    """32 hexadecimal digits each, so that they compress no better than real ids."""
    digits = pa.py_buffer(random.Random(seed).randbytes(16 * size).hex().encode())
    ends = pl.int_range(0, 32 * size + 1, 32, eager=True).to_arrow().buffers()[1]
    return pa.LargeStringArray.from_buffers(size, ends, digits)
