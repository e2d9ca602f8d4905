"""What a delivery names was announced by an earlier one, and amounts add up."""

import json
from decimal import Decimal
from typing import Any

import pytest

from deploy.generator.chance import Chance
from deploy.generator.delivery import Delivery, Kind
from deploy.generator.id_space import FIRST_IDS, IDS_OF_A_KIND, RUN_STRIDE, RUNS, IdSpace
from deploy.generator.id_space import Kind as IdKind
from deploy.generator.plan import plan


@pytest.fixture(scope="module", params=[1, 42])
def deliveries(request: pytest.FixtureRequest) -> list[Delivery]:
    return [delivery for delivery in plan(request.param) if delivery.accepted]


def payload(delivery: Delivery) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(delivery.body)
    return body


def test_orders_name_customers_and_products_that_were_sent(deliveries: list[Delivery]) -> None:
    customers: set[int] = set()
    products: dict[int, set[int]] = {}
    guests = 0
    for delivery in deliveries:
        body = payload(delivery)
        if delivery.event_type == "customers/create":
            customers.add(body["id"])
        elif delivery.event_type == "products/create":
            products[body["id"]] = {variant["id"] for variant in body["variants"]}
        elif delivery.topic == "shopify.orders" and "line_items" in body:
            guests += body["customer"] is None
            assert body["customer"] is None or body["customer"]["id"] in customers
            for line in body["line_items"]:
                assert line["variant_id"] in products[line["product_id"]]
    assert guests


def test_charges_name_customers_that_were_sent(deliveries: list[Delivery]) -> None:
    customers: set[str] = set()
    anonymous = 0
    for delivery in deliveries:
        if delivery.source != "stripe":
            continue
        resource = payload(delivery)["data"]["object"]
        if delivery.event_type == "customer.created":
            customers.add(resource["id"])
        elif delivery.topic == "stripe.charges":
            anonymous += resource["customer"] is None
            assert resource["customer"] is None or resource["customer"] in customers
    assert anonymous


def test_what_changes_was_created_before(deliveries: list[Delivery]) -> None:
    created: set[str] = set()
    for delivery in deliveries:
        if delivery.kind is Kind.CREATION:
            assert delivery.subject not in created
            created.add(delivery.subject)
        elif delivery.event_type != "shop/redact":  # of a shop that was gone before
            assert delivery.subject in created


def test_a_redaction_names_the_orders_of_its_customer(deliveries: list[Delivery]) -> None:
    ordered: dict[int, set[int]] = {}
    redactions = 0
    for delivery in deliveries:
        body = payload(delivery)
        if delivery.event_type == "orders/create" and body["customer"]:
            ordered.setdefault(body["customer"]["id"], set()).add(body["id"])
        elif delivery.event_type == "customers/redact":
            redactions += 1
            assert body["orders_to_redact"]
            assert set(body["orders_to_redact"]) <= ordered[body["customer"]["id"]]
    assert redactions


def test_order_amounts_add_up(deliveries: list[Delivery]) -> None:
    for delivery in deliveries:
        if delivery.event_type != "orders/create":
            continue
        order = payload(delivery)
        amount = {
            name: Decimal(order[name]) for name in order if name.startswith(("total_p", "su"))
        }
        items = sum(Decimal(line["price"]) * line["quantity"] for line in order["line_items"])
        shipping = Decimal(order["total_shipping_price_set"]["shop_money"]["amount"])
        discount, tax = Decimal(order["total_discounts"]), Decimal(order["total_tax"])
        assert amount["subtotal_price"] == items
        assert amount["total_price"] == items - discount + shipping + tax
        assert abs(tax - (items - discount) * Decimal("0.08")) <= Decimal("0.005")
        assert bool(order["discount_codes"]) == (discount > 0)


def test_refunds_never_exceed_the_charge(deliveries: list[Delivery]) -> None:
    full = partial = 0
    for delivery in deliveries:
        if delivery.event_type != "charge.refunded":
            continue
        data = payload(delivery)["data"]
        charge, before = data["object"], data["previous_attributes"]
        assert before["amount_refunded"] < charge["amount_refunded"] <= charge["amount"]
        assert charge["amount_refunded"] == sum(r["amount"] for r in charge["refunds"]["data"])
        assert charge["refunded"] == (charge["amount_refunded"] == charge["amount"])
        full += charge["refunded"]
        partial += not charge["refunded"]
    assert full
    assert partial


def test_a_failed_charge_travels_as_failed(deliveries: list[Delivery]) -> None:
    for delivery in deliveries:
        if delivery.topic == "stripe.charges" and delivery.kind is Kind.CREATION:
            charge = payload(delivery)["data"]["object"]
            assert delivery.event_type == f"charge.{charge['status']}"
            assert (charge["failure_code"] is not None) == (charge["status"] == "failed")


@pytest.mark.parametrize("kind", FIRST_IDS)
def test_numbers_of_two_runs_do_not_meet_and_keep_to_their_kind(kind: IdKind) -> None:
    for run in (0, 1, RUNS - 1):
        space = IdSpace(run)
        ids = [space.next(kind) for _ in range(100)]
        first = run * RUN_STRIDE + FIRST_IDS[kind]
        assert ids == list(range(first, first + 100))
        assert ids[-1] + IDS_OF_A_KIND < 2**53, "every JSON reader keeps it"


def test_texts_of_two_runs_do_not_meet() -> None:
    rng = Chance(0, "ids")
    spaces = [IdSpace(run) for run in (0, 1, RUNS - 1)]
    ids = [space.text(rng, 14)[:9] for space in spaces for _ in range(2_000)]

    assert len(set(ids)) == len(ids)


def test_there_is_no_other_run() -> None:
    for run in (-1, RUNS):
        with pytest.raises(ValueError, match="0 to 8999"):
            IdSpace(run)
