"""What a row of a soaked table holds: its identity says all of it, so that a witness can tell.

An identity is a number and a version. Swapping a row replaces a version by the next one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from shared.lake.schema import arrow_schema
from shared.tables.registry import TABLES
from shared.tables.spec import TableSpec

Identity = tuple[int, int]
"""Number and version."""

DAY = date(2026, 3, 1)
"""All rows are of one day and month: the partition that is compacted is the one written to."""
_BEGIN = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Soaked:
    """A table under soak.

    Attributes:
        spec: its declaration.
        identity: the columns that hold number and version; a landing table has no versions.
        values: what a row of an identity holds; columns left out are null.
    """

    spec: TableSpec
    identity: tuple[str, str | None]
    values: Callable[[Identity], Mapping[str, Any]]

    @property
    def name(self) -> str:
        """Logical name."""
        return self.spec.name

    def rows(self, identities: Iterable[Identity]) -> pa.Table:
        """Rows of these identities, all declared columns, in their order."""
        schema = arrow_schema(self.spec)
        made = [self.values(each) for each in identities]
        return pa.table(
            {field.name: [row.get(field.name) for row in made] for field in schema}, schema=schema
        )

    def identities(self, rows: pa.Table) -> Sequence[Identity]:
        """Number and version of every row."""
        number, version = self.identity
        numbers = rows[number].to_pylist()
        versions = [0] * len(numbers) if version is None else rows[version].to_pylist()
        return list(zip(numbers, versions, strict=True))


def _text(*parts: object) -> str:
    """Text that does not compress well, as most of what an order holds."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _charge(identity: Identity) -> Mapping[str, Any]:
    offset, _ = identity
    moment = _BEGIN + timedelta(milliseconds=offset)
    return {
        "_topic": LANDING_TOPIC,
        "_partition": 0,
        "_offset": offset,
        "_delivery_id": _text("delivery", offset)[:32],
        "_event_type": "charge.succeeded",
        "_received_at": moment,
        "_loaded_at": moment,
        "_source": "stripe",
        "_payload": json.dumps({"id": offset, "text": _text(offset)}),
        "_replayed": False,
    }


def _order(identity: Identity) -> Mapping[str, Any]:
    number, version = identity
    moment = _BEGIN + timedelta(milliseconds=number)
    return {
        "order_id": f"shopify_{number}",
        "order_number": number,
        "source": "shopify",
        "source_order_id": number,
        "customer_email_token": _text(number, version),
        "currency": "EUR",
        "total_price": Decimal(number % 100_000) / 100 + version,
        "line_item_count": version,
        "order_date": DAY,
        "created_at": moment,
        "updated_at": moment + timedelta(seconds=version),
        "_computed_at": moment,
    }


LANDING_TOPIC = "stripe.charges"
LANDING = Soaked(TABLES["raw.stripe_charges"], ("_offset", None), _charge)
"""Gets a commit of new rows a second."""

KEYED = Soaked(TABLES["core.orders"], ("order_number", "line_item_count"), _order)
"""Gets a commit of new rows a second, and one that swaps rows."""

TABLES_SOAKED: Mapping[str, Soaked] = {each.name: each for each in (LANDING, KEYED)}
