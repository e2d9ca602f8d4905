"""staging.stg_shopify_customers: one row per customer, its latest version, or its tombstones."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import orjson
import polars as pl
import pytest

from deploy.generator.plan import plan
from services.transformer.framework.frames import computed, schema
from services.transformer.tokens import PiiClass, token
from shared.tables.staging.shopify_customers import SHOPIFY_CUSTOMERS
from tests.support.raw_rows import RECEIVED, frame, landed, raw_rows
from tests.support.table_rows import only
from tests.support.vertical import folded

TABLE = SHOPIFY_CUSTOMERS.name
TOPIC = "shopify.customers"
CREATED = "2025-05-01T10:00:00Z"
UPDATED = "2026-05-01T11:00:00Z"
KNOWN_OF_NOBODY = {"customer_id", "_first_received_at", "_loaded_at"}


def raw(
    *payloads: dict[str, Any], event: str = "customers/update", **envelope: Any
) -> pl.DataFrame:
    return raw_rows(TOPIC, payloads, event, **envelope)


def customer(**fields: Any) -> dict[str, Any]:
    return {"id": 7, "created_at": CREATED, "updated_at": UPDATED, **fields}


def staged(*rows: pl.DataFrame) -> pl.DataFrame:
    return folded(TABLE, pl.concat(rows))


def row(**fields: Any) -> dict[str, Any]:
    return only(staged(raw(customer(**fields))))


class TestColumns:
    def test_names_and_contacts_become_tokens(self) -> None:
        found = row(
            email="Ada@Example.com", phone="+1 (555) 123-4567", first_name=" Ada ",
            last_name=" Lovelace",
        )  # fmt: skip
        assert found["email_token"] == token(PiiClass.EMAIL, "ada@example.com")
        assert found["phone_token"] == token(PiiClass.PHONE, "+15551234567")
        assert found["first_name_token"] == token(PiiClass.NAME, "ada")
        assert found["last_name_token"] == token(PiiClass.NAME, "lovelace")
        assert found["full_name_token"] == token(PiiClass.NAME, "ada lovelace")
        assert found["last_name_prefix_token"] == token(PiiClass.NAME_PREFIX, "lov")

    @pytest.mark.parametrize(
        ("first", "last", "full"),
        [
            ("Ada", None, "ada"),
            (None, "Lovelace", "lovelace"),
            ("Ada", " ", "ada"),
            (None, "", None),
        ],
    )
    def test_a_space_stands_between_two_names_only(
        self, first: str | None, last: str | None, full: str | None
    ) -> None:
        assert row(first_name=first, last_name=last)["full_name_token"] == token(
            PiiClass.NAME, full
        )

    def test_the_default_address(self) -> None:
        address = {
            "address1": "1 Main St", "address2": "", "city": "Austin", "province": "Texas",
            "province_code": "TX", "country": "United States", "country_code": "US", "zip": "78701",
        }  # fmt: skip
        found = row(default_address=address)
        assert found["address_line1_token"] == token(PiiClass.ADDRESS, "1 main st")
        assert found["address_line2_token"] is None
        for name in ("city", "province", "province_code", "country", "country_code", "zip"):
            assert found[name] == address[name]

    @pytest.mark.parametrize(
        ("spent", "tier"),
        [
            ("1000.00", "vip"), ("9999999999999999.99", "vip"), ("999.99", "gold"),
            ("500", "gold"), ("499.99", "silver"), ("100", "silver"), ("99.99", "bronze"),
            ("0.01", "bronze"), ("0", "new"), ("0.00", "new"), (None, "new"), ("-5.00", "new"),
        ],
    )  # fmt: skip
    def test_tiers(self, spent: str | None, tier: str) -> None:
        assert row(total_spent=spent)["customer_tier"] == tier

    @pytest.mark.parametrize(
        ("spent", "orders", "average"),
        [
            ("10.00", 4, "2.50"), ("0.05", 2, "0.03"), ("10.00", 3, "3.33"), ("20.00", 3, "6.67"),
            ("10.00", 0, "0"), ("10.00", None, "0"), ("10.00", -1, "0"), (None, 0, "0"),
            (None, 2, None),
        ],
    )  # fmt: skip
    def test_the_average_order(
        self, spent: str | None, orders: int | None, average: str | None
    ) -> None:
        found = row(total_spent=spent, orders_count=orders)["avg_order_value"]
        assert found == (None if average is None else Decimal(average))

    @pytest.mark.parametrize(
        ("state", "active"), [("enabled", True), ("disabled", False), ("", False), (None, False)]
    )
    def test_active_is_enabled(self, state: str | None, active: bool) -> None:
        assert row(state=state)["is_active"] is active

    @pytest.mark.parametrize(
        ("addresses", "default", "count"),
        [
            ([{}, {}], {"city": "Rome"}, 2), ([], {"city": "Rome"}, 1), (None, {"city": "Rome"}, 1),
            ([], None, 0), (None, None, 0), ("", None, 0), ([{}], None, 1), ({}, [], 0),
        ],
    )  # fmt: skip
    def test_addresses_are_counted(self, addresses: Any, default: Any, count: int) -> None:
        assert row(addresses=addresses, default_address=default)["address_count"] == count

    @pytest.mark.parametrize("name", ["accepts_marketing", "verified_email", "tax_exempt"])
    @pytest.mark.parametrize(("given_", "flag"), [(True, True), (False, False), (None, False)])
    def test_an_unknown_flag_is_no(self, name: str, given_: bool | None, flag: bool) -> None:
        assert row(**{name: given_})[name] is flag

    def test_currency_is_upper_case(self) -> None:
        assert row(currency=" eur")["currency"] == "EUR"


class TestTombstones:
    LATER = RECEIVED - timedelta(hours=1)
    BEFORE = RECEIVED - timedelta(hours=2)

    def redaction(self, **envelope: Any) -> pl.DataFrame:
        body = {"shop_id": 1, "customer": {"id": 7, "email": "ada@example.com"}}
        return raw({**body, "orders_to_redact": [1]}, event="customers/redact", **envelope)

    def deletion(self, **envelope: Any) -> pl.DataFrame:
        return raw({"id": 7}, event="customers/delete", **envelope)

    def test_a_deletion_is_noted_and_takes_nothing_away(self) -> None:
        found = only(staged(raw(customer(email="a@b.c")), self.deletion(time=self.BEFORE)))
        assert found == {**row(email="a@b.c"), "deleted_at": self.BEFORE}

    def test_a_deletion_alone_keeps_the_key(self) -> None:
        found = only(staged(self.deletion()))
        known = {name for name, value in found.items() if value is not None}
        assert known == {*KNOWN_OF_NOBODY, "deleted_at"}

    def test_nothing_is_known_of_a_redacted_customer_whatever_comes(self) -> None:
        rows = (
            raw(customer(email="a@b.c", note="allergic"), time=self.BEFORE),
            self.redaction(time=self.LATER),
            raw(customer(email="a@b.c", updated_at="2026-06-01T23:00:00Z"), time=RECEIVED),
            self.deletion(time=self.BEFORE),
        )
        for arrived in permutations(rows):
            found = only(staged(*arrived))
            known = {name for name, value in found.items() if value is not None}
            assert known == {*KNOWN_OF_NOBODY, "redacted_at", "deleted_at"}
            assert (found["redacted_at"], found["deleted_at"]) == (self.LATER, self.BEFORE)

    @pytest.mark.parametrize("event", ["customers/data_request", "shop/redact"])
    def test_other_privacy_events_say_nothing_about_a_customer(self, event: str) -> None:
        body = {"shop_id": 1, "customer": {"id": 7}}
        assert staged(raw(body, event=event)).is_empty()
        assert folded(f"{TABLE}_rejected", raw(body, event=event)).is_empty()

    def test_age_is_when_the_first_record_was_received(self) -> None:
        first = RECEIVED - timedelta(days=30)
        newest = raw(customer(), received_at=RECEIVED)
        oldest = raw(customer(updated_at=CREATED), received_at=first, time=first)
        found = only(staged(newest, oldest))
        assert (found["_first_received_at"], str(found["updated_at"])[:4]) == (first, "2026")


@pytest.mark.parametrize(
    "payload",
    [
        {"created_at": CREATED},
        customer(created_at="1999-12-31T00:00:00Z"),
        customer(updated_at="2026-06-03T00:00:01Z"),
    ],
    ids=repr,
)
def test_refused_rows(payload: dict[str, Any]) -> None:
    assert staged(raw(payload)).is_empty()


def test_no_value_fails_the_batch() -> None:
    odd: list[Any] = [2**63 - 1, 2**70, -1, 1e308, "", "\x00", [], {}, [[]], True, "9" * 40]
    fields = (
        *("email", "phone", "first_name", "last_name", "total_spent", "orders_count", "state"),
        *("default_address", "addresses", "currency", "accepts_marketing", "tags"),
    )
    payloads = [customer(id=at, **dict.fromkeys(fields, value)) for at, value in enumerate(odd)]
    assert staged(raw(*payloads)).height == len(odd)


def test_nothing_gives_nothing_in_the_tables_types() -> None:
    assert staged(raw(customer()).clear()).schema == schema(
        SHOPIFY_CUSTOMERS, computed(SHOPIFY_CUSTOMERS)
    )


def test_no_plaintext_is_left() -> None:
    deliveries = [one for one in plan(3, 300) if one.accepted and one.topic == TOPIC]
    secrets = {
        str(value).strip().lower()
        for delivery in deliveries
        for body in [orjson.loads(delivery.body)]
        for value in (
            *(body.get("email"), body.get("phone"), body.get("last_name")),
            (body.get("default_address") or {}).get("address1"),
        )
        if value and len(str(value)) >= 4
    }
    table = folded(TABLE, frame(landed(deliveries, TOPIC)))
    texts = table.select(pl.col(pl.String).exclude("note", "tags", "city", "province", "country"))
    cells = {str(cell).lower() for row in texts.iter_rows() for cell in row if cell}
    assert len(secrets) > 50
    assert not [secret for secret in secrets for cell in cells if secret in cell]
