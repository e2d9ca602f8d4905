"""staging.stg_shopify_orders: one row per order, its latest version, whatever arrived when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import permutations
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.generator.plan import plan
from services.transformer import tokens
from services.transformer.framework.code_hash import transform_id
from services.transformer.framework.folding import candidates, fold
from services.transformer.framework.frames import computed, schema, union
from services.transformer.framework.registry import TRANSFORMS
from services.transformer.tokens import PiiClass, token
from services.transformer.transforms.stg_shopify_orders import TRANSFORM
from shared.tables.staging.shopify_orders import SHOPIFY_ORDERS
from tests.support.hostile_values import HOSTILE
from tests.support.raw_rows import RECEIVED, frame, landed, raw_rows
from tests.support.table_rows import only
from tests.support.vertical import folded

TABLE = SHOPIFY_ORDERS.name
TOPIC = "shopify.orders"
CREATED = "2026-05-01T10:00:00-05:00"
UPDATED = "2026-05-01T11:00:00-05:00"


def raw(*payloads: dict[str, Any], event: str = "orders/updated", **envelope: Any) -> pl.DataFrame:
    return raw_rows(TOPIC, payloads, event, **envelope)


def order(**fields: Any) -> dict[str, Any]:
    return {"id": 7, "created_at": CREATED, "updated_at": UPDATED, **fields}


def staged(*rows: pl.DataFrame) -> pl.DataFrame:
    return folded(TABLE, pl.concat(rows))


def row(**fields: Any) -> dict[str, Any]:
    """The staged row of an order with these fields."""
    return only(staged(raw(order(**fields))))


class TestColumns:
    def test_what_is_named_alike_is_taken_as_it_is(self) -> None:
        given_ = {
            "order_number": 1007, "financial_status": "paid", "fulfillment_status": "restocked",
            "source_name": "web", "referring_site": "https://a.example", "landing_site": "/",
        }  # fmt: skip
        found = row(**given_, customer={"id": 42}, name="#1007")
        assert {name: found[name] for name in given_} == given_
        assert (found["order_id"], found["_raw_id"], found["customer_id"]) == (7, 7, 42)
        assert found["order_name"] == "#1007"
        assert found["_webhook_topic"] == "orders/updated"

    def test_money_keeps_its_cents(self) -> None:
        names = (
            *("subtotal_price", "total_discounts", "total_tax", "total_price"),
            *("total_outstanding", "current_subtotal_price", "current_total_price"),
            "current_total_tax",
        )
        amounts = {name: f"{number}.10" for number, name in enumerate(names)}
        found = row(**amounts)
        assert {name: found[name] for name in names} == {
            name: Decimal(amount) for name, amount in amounts.items()
        }

    def test_moments_are_utc(self) -> None:
        found = row(processed_at=CREATED, closed_at=UPDATED, cancelled_at=UPDATED)
        created, updated = (
            datetime(2026, 5, 1, 15, tzinfo=UTC),
            datetime(2026, 5, 1, 16, tzinfo=UTC),
        )
        assert (found["created_at"], found["processed_at"]) == (created, created)
        assert {found[name] for name in ("updated_at", "closed_at", "cancelled_at")} == {updated}

    @pytest.mark.parametrize(
        ("written", "currency"), [("eur", "EUR"), (" usd ", "USD"), ("USD", "USD"), (None, None)]
    )
    def test_currency_is_upper_case(self, written: str | None, currency: str | None) -> None:
        assert row(currency=written)["currency"] == currency

    def test_identifiers_become_tokens(self) -> None:
        found = row(email=" Ada@Example.com ", phone="(555) 123-4567")
        assert found["customer_email_token"] == token(PiiClass.EMAIL, "ada@example.com")
        assert found["customer_phone_token"] == token(PiiClass.PHONE, "+15551234567")

    @pytest.mark.parametrize("nothing", [None, "", "  ", "12345"])
    def test_what_identifies_nobody_has_no_token(self, nothing: str | None) -> None:
        assert row(phone=nothing)["customer_phone_token"] is None

    @pytest.mark.parametrize(
        ("total_discounts", "has_discount"),
        [("0.01", True), ("0.00", False), ("-1.00", False), (None, False), ("much", False)],
    )
    def test_a_discount_is_above_zero(
        self, total_discounts: str | None, has_discount: bool
    ) -> None:
        assert row(total_discounts=total_discounts)["has_discount"] is has_discount

    @pytest.mark.parametrize(("given_", "flag"), [(True, True), (False, False), (None, False)])
    @pytest.mark.parametrize("name", ["taxes_included", "tax_exempt", "buyer_accepts_marketing"])
    def test_an_unknown_flag_is_no(self, name: str, given_: bool | None, flag: bool) -> None:
        assert row(**{name: given_})[name] is flag

    @pytest.mark.parametrize(("test", "is_test"), [(True, True), (False, False), (None, False)])
    def test_a_test_order_is_one_that_says_so(self, test: bool | None, is_test: bool) -> None:
        assert row(test=test)["is_test"] is is_test

    def test_addresses(self) -> None:
        shipping = {"country": "France", "country_code": "FR", "province": "Var", "city": "Hyères"}
        found = row(shipping_address=shipping, billing_address={"country": "Chile"})
        assert found["shipping_country"] == "France"
        assert found["shipping_country_code"] == "FR"
        assert found["shipping_province"] == "Var"
        assert found["shipping_city"] == "Hyères"
        assert found["billing_country"] == "Chile"
        assert found["billing_country_code"] is None

    def test_elements_are_counted_and_not_their_parts(self) -> None:
        line = {"tax_lines": [{"a": 1}, {"a": 2}], "properties": [{"b": {}}]}
        found = row(line_items=[line, line, line], discount_codes=[{"code": "a"}])
        assert (found["line_item_count"], found["discount_count"]) == (3, 1)

    @pytest.mark.parametrize("nothing", [None, [], "", {}, "x", 7])
    def test_no_array_has_no_elements(self, nothing: Any) -> None:
        found = row(line_items=nothing, discount_codes=nothing)
        assert (found["line_item_count"], found["discount_count"]) == (0, 0)

    @pytest.mark.parametrize(
        ("price_set", "shipping"),
        [
            ({"shop_money": {"amount": "4.90", "currency_code": "EUR"}}, Decimal("4.90")),
            ({"shop_money": {"amount": None}}, Decimal(0)),
            ({"presentment_money": {"amount": "4.90"}}, Decimal(0)),
            (None, Decimal(0)),
            ({"shop_money": {"amount": "4.905"}}, None),
        ],
    )
    def test_shipping_is_the_shops_money(self, price_set: Any, shipping: Decimal | None) -> None:
        assert row(total_shipping_price_set=price_set)["total_shipping"] == shipping

    def test_nothing_but_id_and_creation_is_enough(self) -> None:
        found = only(staged(raw({"id": 7, "created_at": CREATED})))
        assert (found["order_status"], found["line_item_count"]) == ("open", 0)
        assert found["total_price"] is None


class TestOrderStatus:
    @pytest.mark.parametrize(
        ("financial", "fulfillment", "status"),
        [
            ("refunded", None, "refunded"), ("refunded", "fulfilled", "refunded"),
            ("partially_refunded", None, "refunded"),
            ("paid", "fulfilled", "completed"),
            ("paid", None, "processing"), ("paid", "partial", "processing"),
            ("paid", "restocked", "open"),
            ("pending", None, "pending_payment"), ("pending", "fulfilled", "pending_payment"),
            ("authorized", None, "pending_payment"),
            ("voided", None, "open"), ("partially_paid", None, "open"), (None, None, "open"),
            (None, "fulfilled", "open"), ("", "", "open"), ("PAID", "fulfilled", "open"),
        ],
    )  # fmt: skip
    def test_the_first_that_holds(
        self, financial: str | None, fulfillment: str | None, status: str
    ) -> None:
        found = row(financial_status=financial, fulfillment_status=fulfillment)
        assert (found["order_status"], found["is_cancelled"]) == (status, False)
        found = row(
            financial_status=financial, fulfillment_status=fulfillment, cancelled_at=UPDATED
        )
        assert (found["order_status"], found["is_cancelled"]) == ("cancelled", True)


class TestVersions:
    """Which version wins, from the strongest reason to the weakest."""

    def version(self, name: str, updated: str = UPDATED, **envelope: Any) -> pl.DataFrame:
        return raw(order(name=name, updated_at=updated), **envelope)

    def winner(self, *rows: pl.DataFrame) -> str:
        found = {only(staged(*each))["order_name"] for each in permutations(rows)}
        assert len(found) == 1, "the order of arrival decided"
        name: str = found.pop()
        return name

    def test_the_vendors_own_time(self) -> None:
        newer = self.version("newer", "2026-05-01T11:00:01-05:00", time=RECEIVED, id="a")
        older = self.version("older", time=RECEIVED + timedelta(hours=1), id="b")
        assert self.winner(newer, older) == "newer"

    def test_then_when_the_event_was_triggered(self) -> None:
        later = self.version("later", time=RECEIVED, id="a")
        earlier = self.version("earlier", time=RECEIVED - timedelta(microseconds=1), id="b")
        assert self.winner(later, earlier) == "later"

    def test_then_the_event_id(self) -> None:
        assert self.winner(self.version("b", id="2"), self.version("a", id="1")) == "b"

    @pytest.mark.parametrize("names", ["xyz", "abc", "klm", "rst"])
    def test_then_the_bytes(self, names: str) -> None:
        versions = {name: self.version(name) for name in names}
        sums = {
            name: sha256(rows["_payload"].item().encode()).hexdigest()
            for name, rows in versions.items()
        }
        assert self.winner(*versions.values()) == max(names, key=sums.__getitem__)

    def test_a_version_without_a_time_loses(self) -> None:
        timeless = raw(order(name="timeless", updated_at=None), time=RECEIVED, id="z")
        known = self.version("known", time=RECEIVED - timedelta(days=9), id="a")
        assert self.winner(timeless, known) == "known"

    def test_a_redelivery_changes_nothing(self) -> None:
        first = self.version("one")
        again = first.with_columns(
            _offset=pl.lit(99, pl.Int64),
            _loaded_at=pl.col("_loaded_at") + timedelta(hours=1),
            _received_at=pl.col("_received_at") + timedelta(hours=1),
        )
        assert staged(first, again).equals(staged(first))

    def test_orders_do_not_touch_each_other(self) -> None:
        found = staged(raw(order(id=1, name="a"), order(id=2, name="b"), order(id=1, name="c")))
        assert found["order_id"].sort().to_list() == [1, 2]


class TestDeletions:
    DELETED = RECEIVED - timedelta(hours=3)

    def deletion(self, time: datetime | None = DELETED, **envelope: Any) -> pl.DataFrame:
        return raw({"id": 7}, event="orders/delete", time=time, **envelope)

    def test_a_deletion_is_noted_and_takes_nothing_away(self) -> None:
        before = row(name="#7")
        found = only(staged(raw(order(name="#7")), self.deletion()))
        assert found == {**before, "deleted_at": self.DELETED}

    @pytest.mark.parametrize("updated", [UPDATED, None, "2026-06-01T00:00:00Z"])
    def test_it_wins_over_no_version(self, updated: str | None) -> None:
        versions = [raw(order(name="#7", updated_at=updated), time=None), self.deletion()]
        for rows in (versions, versions[::-1]):
            found = only(staged(*rows))
            assert (found["order_name"], found["deleted_at"]) == ("#7", self.DELETED)

    def test_alone_it_keeps_the_key(self) -> None:
        found = only(staged(self.deletion()))
        known = {name for name, value in found.items() if value is not None}
        assert known == {"order_id", "deleted_at", "_loaded_at"}

    def test_the_latest_of_several_counts(self) -> None:
        later = self.DELETED + timedelta(minutes=1)
        assert only(staged(self.deletion(later), self.deletion()))["deleted_at"] == later

    def test_without_a_time_it_is_when_it_was_received(self) -> None:
        assert only(staged(self.deletion(None)))["deleted_at"] == RECEIVED


class TestLeftOut:
    def test_records_that_could_not_be_parsed(self) -> None:
        broken = raw(order()).with_columns(_error=pl.lit("no JSON object"))
        assert staged(broken).is_empty()

    @pytest.mark.parametrize(
        "payload",
        [
            {"created_at": CREATED},
            order(id=None),
            order(id="seven"),
            order(created_at=None),
            order(created_at="yesterday"),
            order(created_at="1999-12-31T23:59:59Z"),
            order(updated_at="2026-06-03T00:00:01Z"),
            order(created_at="9999-12-31T23:59:59Z"),
        ],
        ids=repr,
    )
    def test_refused_rows(self, payload: dict[str, Any]) -> None:
        assert staged(raw(payload)).is_empty()

    def test_a_refused_version_leaves_the_others(self) -> None:
        ahead = order(name="ahead", updated_at="2036-01-01T00:00:00Z")
        assert only(staged(raw(order(name="#7"), ahead)))["order_name"] == "#7"

    def test_up_to_24_hours_ahead_is_a_clock(self) -> None:
        assert staged(raw(order(updated_at="2026-06-03T00:00:00Z"))).height == 1


class TestHostile:
    def test_no_value_fails_the_batch(self) -> None:
        odd: list[Any] = [
            2**63 - 1, -(2**63), 2**70, 1e308, "", " ", "\x00", "x" * 100_000, [], {}, [[[]]],
            True, {"country": [1]}, {"shop_money": {"amount": 10**20}}, "9" * 40, "-0", "NaN",
        ]  # fmt: skip
        fields = (
            *("email", "phone", "currency", "total_price", "total_discounts", "test"),
            *("line_items", "discount_codes", "shipping_address", "billing_address"),
            *("total_shipping_price_set", "cancelled_at", "financial_status", "order_number"),
        )
        payloads = [
            order(id=at, **dict.fromkeys(fields, value)) for at, value in enumerate(odd)
        ] + [order(id=len(odd), name="good")]
        found = staged(raw(*payloads))
        assert found.height == len(payloads)
        assert found.filter(order_id=len(odd))["order_name"].item() == "good"

    def test_broken_json_in_a_column_is_of_its_row_alone(self) -> None:
        rows = raw(*(order(id=at, line_items=[1]) for at in range(len(HOSTILE))))
        texts = [None if v is None else v.decode("utf-8", "replace") for v in HOSTILE]
        spoilt = rows.with_columns(
            pl.Series(name, texts)
            for name in ("line_items", "shipping_address", "total_shipping_price_set")
        )
        assert staged(spoilt, raw(order(id=-1, line_items=[1]))).filter(order_id=-1)[
            "line_item_count"
        ].to_list() == [1]

    def test_the_greatest_numbers_stay(self) -> None:
        found = row(id=2**63 - 1, total_price="9999999999999999.99")
        assert found["order_id"] == 2**63 - 1
        assert found["total_price"] == Decimal("9999999999999999.99")


@pytest.mark.parametrize("name", [TABLE, "staging.stg_shopify_customers"])
def test_another_token_key_is_another_build(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = transform_id(TRANSFORMS[name])
    monkeypatch.setattr(tokens, "_key", tokens.TokenKey(b"another key, as long as the first"))
    assert transform_id(TRANSFORMS[name]) != before


def test_nothing_gives_nothing_in_the_tables_types() -> None:
    empty = raw(order()).clear()
    assert staged(empty).schema == schema(SHOPIFY_ORDERS, computed(SHOPIFY_ORDERS))


def test_no_plaintext_is_left() -> None:
    deliveries = plan(3, 200)
    secrets = {
        str(value).strip().lower()
        for delivery in deliveries
        if delivery.accepted and delivery.topic == TOPIC
        for body in [orjson.loads(delivery.body)]
        for value in (
            *(body.get("email"), body.get("phone")),
            *((body.get("shipping_address") or {}).get(name) for name in ("name", "address1")),
        )
        if value
    }
    table = folded(TABLE, frame(landed(deliveries, TOPIC)))
    cells = " ".join(str(row) for row in table.iter_rows()).lower()
    assert len(secrets) > 50
    assert not [secret for secret in secrets if secret in cells]


RAW = frame(landed(plan(5, 120), TOPIC))


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_any_split_and_any_order_fold_to_the_same_rows(data: st.DataObject) -> None:
    at = data.draw(st.lists(st.integers(0, RAW.height - 1), min_size=1, max_size=40))
    rows = candidates(TRANSFORM, RAW[at])
    cut = data.draw(st.integers(0, rows.height))
    order_ = data.draw(st.permutations(range(rows.height)))
    shuffled = rows[order_]
    at_once = fold(TRANSFORM, rows).sort("order_id")
    in_parts = fold(TRANSFORM, union([fold(TRANSFORM, shuffled[:cut]), shuffled[cut:]]))
    assert in_parts.sort("order_id").equals(at_once)
