"""The mart by seven functions and the mart by one query over raw rows are the same.

The query (``deploy/demo/sales_dashboard.sql``) was written from the rules, the functions from the
same rules again: what both get wrong alike is not found here, everything else is.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from deploy.demo import marts
from deploy.generator.payload import SHOP_ZONE
from deploy.generator.plan import plan
from tests.support.raw_rows import RECEIVED, enveloped, enveloped_rows, frame, landed
from tests.support.vertical import vertical

TOPIC = "shopify.orders"
AS_OF = date(2026, 6, 5)
START = datetime(2026, 3, 30, 22, 30, tzinfo=UTC)


def mart(raw: pa.Table, as_of: date = AS_OF) -> pl.DataFrame:
    return vertical({marts.RAW: frame(raw)}, as_of)[marts.MART]


def deliveries(seed: int, count: int) -> pa.Table:
    """Few orders of few customers, many versions; ties, deletions and values that do not fit."""
    rng = Random(seed)

    def moment(days: int) -> str:
        at = START + timedelta(days=rng.randrange(days), minutes=rng.choice((0, 30, 89, 90, 91)))
        return at.astimezone(rng.choice((UTC, SHOP_ZONE))).isoformat()

    def one() -> tuple[dict[str, Any], Any]:
        number = rng.randrange(1, 20)
        at = RECEIVED - timedelta(seconds=rng.randrange(3))
        if rng.random() < 0.03:
            return {"id": number}, enveloped("orders/delete", id=str(rng.random()), time=at)
        customer = rng.choice((None, 1, 2, 3, 4))
        body = {
            "id": rng.choice((number, number, number, number, number, None, "x")),
            "created_at": moment(50),
            "updated_at": rng.choice((moment(2), moment(2), None, "2036-01-01T00:00:00Z")),
            "cancelled_at": rng.choice((None, None, None, moment(60))),
            "currency": rng.choice(("EUR", "EUR", "usd", " eur ", None, "")),
            "test": rng.choice((False, False, None, True)),
            "total_price": rng.choice(("10.00", "0.05", "12.35", "999.99", "0", None, "dear")),
            "total_discounts": rng.choice(("0.00", "1.01", None)),
            "total_tax": rng.choice(("0.10", None)),
            "total_shipping_price_set": rng.choice(
                ({"shop_money": {"amount": "4.90"}}, {"shop_money": {"amount": 3}}, None, {})
            ),
            "financial_status": rng.choice(("paid", "refunded", "partially_refunded", "pending")),
            "fulfillment_status": rng.choice(("fulfilled", "partial", None)),
            "source_name": rng.choice(("web", "mobile", "pos", "api", "shopify_draft_order", None)),
            "shipping_address": rng.choice(
                (*({"country": name} for name in ("France", " Chile ", "", 7)), None)
            ),
            "customer": None if customer is None else {"id": customer},
        }  # fmt: skip
        return body, enveloped("orders/updated", id=rng.choice("abc"), time=rng.choice((at, None)))

    return enveloped_rows(TOPIC, [one() for _ in range(count)])


@pytest.mark.parametrize("seed", range(3))
def test_on_what_the_demonstration_posts(seed: int) -> None:
    raw = landed(plan(seed), TOPIC)
    found = marts.agreement(mart(raw).to_arrow(), raw, AS_OF)
    assert found.holds, found.examples
    assert (found.days, found.orders) > (150, 150)


@pytest.mark.parametrize("seed", range(25))
def test_on_events_at_random(seed: int) -> None:
    raw = deliveries(seed, 60)
    found = marts.agreement(mart(raw).to_arrow(), raw, AS_OF)
    assert found.holds, found.examples
    assert found.orders > 0


def test_a_row_that_differs_is_found_in_both_directions() -> None:
    raw = deliveries(1, 60)
    good = mart(raw)
    total = pl.when(pl.int_range(pl.len()) == 3).then(pl.col("total_orders") + 1)
    wrong = good.with_columns(total.otherwise(pl.col("total_orders")).alias("total_orders"))
    found = marts.agreement(wrong.to_arrow(), raw, AS_OF)
    assert (found.holds, found.missing, found.unasked) == (False, 1, 1)
    assert len(found.examples) == 2


def test_a_row_too_few_and_a_row_too_many_are_found() -> None:
    raw = deliveries(2, 60)
    good = mart(raw)
    fewer = marts.agreement(good[1:].to_arrow(), raw, AS_OF)
    assert (fewer.missing, fewer.unasked) == (1, 0)
    more = marts.agreement(pl.concat([good, good[:1]]).to_arrow(), raw, AS_OF)
    assert (more.missing, more.unasked) == (0, 1)


def test_when_the_row_was_written_is_not_compared() -> None:
    raw = deliveries(3, 60)
    stamped = mart(raw).with_columns(pl.lit(RECEIVED).alias(marts.STAMPED))
    assert marts.agreement(stamped.to_arrow(), raw, AS_OF).holds


def test_no_rows_at_all() -> None:
    raw = deliveries(1, 1)[:0]
    found = marts.agreement(mart(raw).to_arrow(), raw, AS_OF)
    assert (found.holds, found.days, found.orders) == (True, 0, 0)
