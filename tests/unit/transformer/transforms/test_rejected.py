"""Quarantine: every raw row without an error is staged, or refused by one rule, never both."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from services.transformer.framework.frames import computed, schema
from services.transformer.transforms.stg_shopify_orders import TRANSFORM as ORDERS
from shared.tables.staging.rejected import SHOPIFY_CUSTOMERS_REJECTED, SHOPIFY_ORDERS_REJECTED
from tests.support.raw_rows import RECEIVED, raw_rows
from tests.support.table_rows import only
from tests.support.vertical import folded

CREATED = "2026-05-01T10:00:00Z"
GOOD = {"id": 7, "created_at": CREATED, "updated_at": CREATED}


def orders(*payloads: dict[str, Any], event: str = "orders/updated", **more: Any) -> pl.DataFrame:
    return raw_rows("shopify.orders", payloads, event, **more)


def refused(rows: pl.DataFrame) -> pl.DataFrame:
    return folded(SHOPIFY_ORDERS_REJECTED.name, rows)


@pytest.mark.parametrize(
    ("changed", "rule", "detail"),
    [
        ({"id": None}, "missing_id", "no id that is an integer"),
        ({"id": "seven"}, "missing_id", "no id that is an integer"),
        ({"id": None, "created_at": None}, "missing_id", "no id that is an integer"),
        ({"created_at": None}, "missing_created_at", "no created_at that is a moment"),
        ({"created_at": "soon"}, "missing_created_at", "no created_at that is a moment"),
        (
            {"created_at": "1999-12-31T23:59:59Z"},
            "created_too_early",
            "created_at 1999-12-31T23:59:59.000000Z",
        ),
        (
            {"updated_at": "2026-06-03T00:00:00.000001Z"},
            "event_time_ahead",
            "2026-06-03T00:00:00.000001Z, received 2026-06-02T00:00:00.000000Z",
        ),
        (
            {"created_at": "9999-12-31T23:59:59Z"},
            "event_time_ahead",
            "9999-12-31T23:59:59.000000Z, received 2026-06-02T00:00:00.000000Z",
        ),
    ],
)
def test_the_first_rule_that_a_row_breaks(changed: dict[str, Any], rule: str, detail: str) -> None:
    found = only(refused(orders({**GOOD, **changed})))
    assert (found["rule"], found["detail"]) == (rule, detail)


def test_the_vendors_trigger_time_may_not_be_ahead_either() -> None:
    late = RECEIVED + timedelta(hours=24, microseconds=1)
    assert only(refused(orders(GOOD, time=late)))["rule"] == "event_time_ahead"
    assert refused(orders(GOOD, time=RECEIVED + timedelta(hours=24))).is_empty()


def test_without_receipt_the_brokers_time_counts() -> None:
    rows = orders(GOOD, time=None, received_at=None)
    broker = rows["_timestamp"].item()
    ahead = rows.with_columns(_event_time=pl.lit(broker + timedelta(hours=25)))
    assert refused(rows.with_columns(_timestamp=pl.lit(RECEIVED))).is_empty()
    assert only(refused(ahead))["rule"] == "event_time_ahead"


@pytest.mark.parametrize("good", [GOOD, {**GOOD, "created_at": "2000-01-01T00:00:00Z"}])
def test_a_good_row_is_not_refused(good: dict[str, Any]) -> None:
    assert refused(orders(good)).is_empty()


def test_a_deletion_needs_no_creation() -> None:
    assert refused(orders({"id": 7}, event="orders/delete")).is_empty()


def test_a_record_with_an_error_stays_in_raw_alone() -> None:
    assert refused(orders({}).with_columns(_error=pl.lit("no JSON object"))).is_empty()


def test_the_row_says_where_it_came_from_and_keeps_the_payload() -> None:
    found = only(refused(orders({"id": None}, id="event-1")))
    assert found["payload"] == '{"id": null}'
    assert (found["_topic"], found["_partition"], found["_offset"]) == ("shopify.orders", 0, 0)
    assert (found["event_id"], found["event_type"]) == ("event-1", "orders/updated")
    assert (found["event_time"], found["received_at"]) == (RECEIVED, RECEIVED)


def test_each_row_is_staged_or_refused() -> None:
    odd: list[Any] = [7, None, "x", CREATED, "1980-01-01T00:00:00Z", "2050-01-01T00:00:00Z", 0]
    rows = orders(
        *(
            {"id": one, "created_at": other, "updated_at": third}
            for one in odd
            for other in odd
            for third in odd
        )
    )
    gone = refused(rows)
    kept = ORDERS.stage(rows.select(ORDERS.source.columns))
    assert 0 < gone.height < rows.height
    assert gone.height + kept.height == rows.height
    assert gone["_offset"].n_unique() == gone.height


def test_customers_are_judged_by_their_own_rules() -> None:
    name = SHOPIFY_CUSTOMERS_REJECTED.name
    no_id = raw_rows("shopify.customers", [{"customer": {"id": None}}], "customers/redact")
    assert only(folded(name, no_id))["rule"] == "missing_id"
    no_creation = raw_rows("shopify.customers", [{"id": 1}], "customers/update")
    assert folded(name, no_creation).is_empty()


@pytest.mark.parametrize("spec", [SHOPIFY_ORDERS_REJECTED, SHOPIFY_CUSTOMERS_REJECTED])
def test_nothing_gives_nothing_in_the_tables_types(spec: Any) -> None:
    topic = "shopify.orders" if spec is SHOPIFY_ORDERS_REJECTED else "shopify.customers"
    empty = raw_rows(topic, [GOOD], "orders/updated").clear()
    assert folded(spec.name, empty).schema == schema(spec, computed(spec))
