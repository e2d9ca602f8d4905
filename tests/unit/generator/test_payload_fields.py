"""Every field of the vendors' objects is there, and only with values that the vendor writes.

``TYPE?`` may be null, ``null`` always is; a tuple lists the values allowed.
"""

import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from deploy.generator.delivery import Kind
from deploy.generator.plan import plan
from deploy.generator.shopify import products as shopify_products
from deploy.generator.shopify.customers import TAGS
from deploy.generator.shopify.orders import FINANCIAL_STATUS, SOURCES
from deploy.generator.stripe import charges as stripe_charges
from shared.tables.registry import table_of_topic

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
PATTERNS = {
    "iso": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|-05:00)",
    "decimal": r"\d+\.\d\d",
    "uuid": UUID,
    "ip": r"\d{1,3}(\.\d{1,3}){3}",
    "email": r"\s?[^@\s]+@[^@\s]+\s?",
}
PYTHON: dict[str, type | tuple[type, ...]] = {
    "int": int, "str": str, "bool": bool, "object": dict, "array": list, "float": float,
}  # fmt: skip
Rule = str | tuple[object, ...]

SHOPIFY_CUSTOMER: dict[str, Rule] = {
    "id": "int", "admin_graphql_api_id": "str", "email": "email", "first_name": "str",
    "last_name": "str", "phone": "str?", "created_at": "iso", "updated_at": "iso",
    "accepts_marketing_updated_at": "iso", "accepts_marketing": "bool",
    "marketing_opt_in_level": ("single_opt_in", "confirmed_opt_in", None), "currency": ("USD",),
    "default_address": "object", "addresses": "array", "note": "str?", "orders_count": "int",
    "total_spent": r"re:\d+(\.\d\d)?", "state": ("enabled", "disabled", "invited"),
    "tags": "str", "tax_exempt": "bool", "tax_exemptions": ([],), "verified_email": "bool",
}  # fmt: skip
SHOPIFY_ADDRESS: dict[str, Rule] = {
    "id": "int", "first_name": "str", "last_name": "str", "name": "str", "company": "str?",
    "address1": "str", "address2": "str?", "city": "str", "province": "str",
    "province_code": r"re:[A-Z]{2}", "country": ("United States",), "country_code": ("US",),
    "zip": r"re:\d{5}", "phone": "str?", "latitude": "float", "longitude": "float",
    "default": (True,),
}  # fmt: skip
SHOPIFY_ORDER: dict[str, Rule] = {
    "id": "int", "admin_graphql_api_id": "str", "app_id": (580_111,), "browser_ip": "ip?",
    "buyer_accepts_marketing": "bool", "cancel_reason": ("customer", None),
    "cancelled_at": "iso?", "cart_token": "uuid", "checkout_id": "int", "checkout_token": "uuid",
    "token": "uuid", "closed_at": "iso?", "confirmation_number": r"re:[A-Z0-9]{10}",
    "confirmed": (True,), "created_at": "iso", "processed_at": "iso", "updated_at": "iso",
    "currency": ("USD",), "presentment_currency": ("USD",), "subtotal_price": "decimal",
    "total_line_items_price": "decimal", "total_discounts": "decimal", "total_tax": "decimal",
    "total_price": "decimal", "total_tip_received": ("0.00",), "total_outstanding": "decimal",
    "current_subtotal_price": "decimal", "current_total_discounts": "decimal",
    "current_total_price": "decimal", "current_total_tax": "decimal", "taxes_included": (False,),
    "estimated_taxes": (False,), "test": (False,), "tax_exempt": "bool?",
    "financial_status": tuple(FINANCIAL_STATUS),
    "fulfillment_status": (None, "partial", "fulfilled"), "customer": "object?",
    "email": "email", "phone": "str?", "billing_address": "object", "shipping_address": "object",
    "line_items": "array", "discount_codes": "array", "tax_lines": "array",
    "shipping_lines": "array", "total_shipping_price_set": "object", "total_weight": "int",
    "fulfillments": ([],), "refunds": ([],), "note_attributes": ([],), "landing_site": "str?",
    "landing_site_ref": "null", "source_identifier": "null", "source_url": "null",
    "user_id": "null", "referring_site": "str?", "source_name": SOURCES, "name": r"re:#\d+",
    "number": "int", "order_number": "int", "order_status_url": rf"re:https://.*/orders/{UUID}",
    "payment_gateway_names": (["shopify_payments"],), "customer_locale": ("en",),
    "note": "str?", "tags": ("",),
}  # fmt: skip
SHOPIFY_LINE_ITEM: dict[str, Rule] = {
    "id": "int", "admin_graphql_api_id": "str", "fulfillable_quantity": "int",
    "fulfillment_service": ("manual",), "fulfillment_status": "null", "gift_card": (False,),
    "grams": "int", "name": "str", "price": "decimal", "product_exists": (True,),
    "product_id": "int", "properties": ([],), "quantity": (1, 2, 3), "requires_shipping": (True,),
    "sku": "str", "taxable": (True,), "title": "str", "total_discount": ("0.00",),
    "variant_id": "int", "variant_inventory_management": ("shopify",), "variant_title": "str",
    "vendor": shopify_products.VENDORS, "tax_lines": "array", "discount_allocations": ([],),
}  # fmt: skip
SHOPIFY_PRODUCT: dict[str, Rule] = {
    "id": "int", "admin_graphql_api_id": "str", "title": "str", "body_html": "str",
    "vendor": shopify_products.VENDORS, "product_type": shopify_products.PRODUCT_TYPES,
    "handle": r"re:[a-z0-9-]+", "created_at": "iso", "updated_at": "iso", "published_at": "iso?",
    "published_scope": ("global",), "status": ("active", "draft", "archived"), "tags": "str",
    "template_suffix": "null", "variants": "array", "options": "array", "images": ([],),
    "image": "null",
}  # fmt: skip
SHOPIFY_VARIANT: dict[str, Rule] = {
    "id": "int", "admin_graphql_api_id": "str", "product_id": "int", "title": "str",
    "price": "decimal", "compare_at_price": "decimal?", "sku": r"re:.{3}-\d+-\d{3}",
    "barcode": r"re?:\d{13}", "position": "int", "inventory_item_id": "int",
    "inventory_quantity": "int", "weight": "float", "option1": shopify_products.SIZES,
    "option2": shopify_products.COLOURS, "option3": "null", "created_at": "iso",
    "updated_at": "iso",
}  # fmt: skip
STRIPE_EVENT: dict[str, Rule] = {
    "id": r"re:evt_\w{24}", "object": ("event",), "api_version": ("2024-12-18.acacia",),
    "created": "int", "data": "object", "livemode": (True,), "pending_webhooks": "int",
    "request": "object", "type": "str",
}  # fmt: skip
STRIPE_CUSTOMER: dict[str, Rule] = {
    "id": r"re:cus_\w{14}", "object": ("customer",), "address": "object?", "balance": "int",
    "created": "int", "currency": ("usd", "eur", "gbp", "cad", "aud", None),
    "default_source": "null", "discount": "null", "test_clock": "null", "delinquent": "bool",
    "description": "str?", "email": "email", "name": "str", "phone": "str?",
    "invoice_prefix": r"re:[A-Z]{8}", "invoice_settings": "object", "livemode": (True,),
    "metadata": ({"source": "demo_generator"}, {}), "next_invoice_sequence": "int",
    "preferred_locales": (["en"],), "shipping": "object?",
    "tax_exempt": ("none", "exempt", "reverse"),
}  # fmt: skip
STRIPE_CHARGE: dict[str, Rule] = {
    "id": r"re:ch_\w{24}", "object": ("charge",), "amount": "int", "amount_captured": "int",
    "amount_refunded": (0,), **dict.fromkeys(stripe_charges.NULL_FIELDS, "null"),
    "balance_transaction": r"re?:txn_\w{24}", "billing_details": "object",
    "calculated_statement_descriptor": ("DEMO STORE",), "statement_descriptor": ("DEMO STORE",),
    "captured": "bool", "created": "int", "currency": ("usd",), "customer": r"re?:cus_\w{14}",
    "description": r"re:Payment for order #\d+", "disputed": (False,), "refunded": (False,),
    "failure_code": (None, *stripe_charges.FAILURES),
    "failure_message": (None, *stripe_charges.FAILURES.values()), "fraud_details": ({},),
    "metadata": ({},), "livemode": (True,), "outcome": "object", "paid": "bool",
    "payment_intent": "null", "payment_method": r"re:pm_\w{24}",
    "payment_method_details": "object", "receipt_email": "email",
    "receipt_url": rf"re:https://pay.stripe.com/receipts/{UUID}", "refunds": "object",
    "status": ("succeeded", "pending", "failed"),
}  # fmt: skip
STRIPE_OUTCOME: dict[str, Rule] = {
    "network_status": ("approved_by_network", "declined_by_network"), "reason": "str?",
    "risk_level": ("normal", "elevated", "highest"), "risk_score": "int", "seller_message": "str",
    "type": ("authorized", "issuer_declined"),
}  # fmt: skip
STRIPE_CARD: dict[str, Rule] = {
    "brand": stripe_charges.BRANDS, "checks": "object",
    "country": ("US", "CA", "GB", "DE", "FR"), "exp_month": tuple(range(1, 13)),
    "exp_year": tuple(range(2025, 2031)), "funding": ("credit", "debit", "prepaid"),
    "last4": r"re:\d{4}", "network": stripe_charges.BRANDS, "three_d_secure": "null",
}  # fmt: skip


PLANNED = [delivery for seed in (42, 43) for delivery in plan(seed)]


def created(event_types: Iterable[str]) -> list[dict[str, Any]]:
    """Bodies of the creations of these types, from two seeds."""
    wanted = set(event_types)
    return [
        json.loads(delivery.body)
        for delivery in PLANNED
        if delivery.kind is Kind.CREATION and delivery.event_type in wanted
    ]


CUSTOMERS = created({"customers/create"})
ORDERS = created({"orders/create"})
PRODUCTS = created({"products/create"})
STRIPE_EVENTS = created({"customer.created", "charge.succeeded", "charge.failed", "charge.pending"})
CHARGES = [
    event["data"]["object"] for event in STRIPE_EVENTS if event["type"].startswith("charge.")
]
OBJECTS: dict[str, tuple[dict[str, Rule], list[dict[str, Any]]]] = {
    "shopify customer": (SHOPIFY_CUSTOMER, CUSTOMERS),
    "shopify address": (SHOPIFY_ADDRESS, [one["default_address"] for one in CUSTOMERS]),
    "shopify order": (SHOPIFY_ORDER, ORDERS),
    "shopify line item": (SHOPIFY_LINE_ITEM, [i for one in ORDERS for i in one["line_items"]]),
    "shopify product": (SHOPIFY_PRODUCT, PRODUCTS),
    "shopify variant": (SHOPIFY_VARIANT, [v for one in PRODUCTS for v in one["variants"]]),
    "stripe event": (STRIPE_EVENT, STRIPE_EVENTS),
    "stripe customer": (
        STRIPE_CUSTOMER,
        [e["data"]["object"] for e in STRIPE_EVENTS if e["type"] == "customer.created"],
    ),
    "stripe charge": (STRIPE_CHARGE, CHARGES),
    "stripe outcome": (STRIPE_OUTCOME, [charge["outcome"] for charge in CHARGES]),
    "stripe card": (STRIPE_CARD, [c["payment_method_details"]["card"] for c in CHARGES]),
}
FIELDS = [(kind, name) for kind, (rules, _) in OBJECTS.items() for name in rules]


def fits(rule: Rule, value: object) -> bool:
    if isinstance(rule, tuple):
        return any(value == one and type(value) is type(one) for one in rule)
    if rule == "null":
        return value is None
    if rule.startswith(("re:", "re?:")):
        kind, pattern = rule.split(":", 1)
    else:
        kind, pattern = rule, PATTERNS.get(rule.removesuffix("?"), "")
    if value is None:
        return kind.endswith("?")
    if pattern:
        return isinstance(value, str) and re.fullmatch(pattern, value) is not None
    if isinstance(value, bool):
        return kind.removesuffix("?") == "bool"
    return isinstance(value, PYTHON[kind.removesuffix("?")])


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_field(kind: str, name: str) -> None:
    rules, objects = OBJECTS[kind]
    rule = rules[name]

    values = [one[name] for one in objects]

    wrong = [value for value in values if not fits(rule, value)]
    assert not wrong, f"{kind}.{name} must be {rule}"
    if isinstance(rule, str) and rule.rstrip(":").partition(":")[0].endswith("?"):
        assert any(value is not None for value in values), "an optional field is sometimes there"


@pytest.mark.parametrize("kind", OBJECTS)
def test_no_field_is_made_up(kind: str) -> None:
    rules, objects = OBJECTS[kind]

    extra = {name for one in objects for name in one} - rules.keys()

    assert extra <= {"weight_unit"}


@pytest.mark.parametrize(
    ("topic", "objects"),
    [
        ("shopify.orders", ORDERS),
        ("shopify.products", PRODUCTS),
        ("stripe.charges", [e for e in STRIPE_EVENTS if e["type"].startswith("charge.")]),
        ("stripe.customers", [e for e in STRIPE_EVENTS if e["type"] == "customer.created"]),
    ],
)
def test_every_column_of_the_landing_table_is_fed(
    topic: str, objects: list[dict[str, Any]]
) -> None:
    for column in table_of_topic(topic).payload_columns:
        if column.name == "previous_attributes":  # travels with changes only
            continue
        assert any(has(one, column.path) for one in objects), column.name


def has(payload: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if not isinstance(payload, dict) or name not in payload:
            return False
        payload = payload[name]
    return True


def test_timestamps_come_with_the_shops_offset_and_in_utc() -> None:
    stamps = [datetime.fromisoformat(order["created_at"]) for order in ORDERS]

    assert {stamp.utcoffset() for stamp in stamps} == {timedelta(0), timedelta(hours=-5)}


def test_versions_are_stamped_after_creation() -> None:
    for one in (*CUSTOMERS, *ORDERS, *PRODUCTS):
        assert datetime.fromisoformat(one["created_at"]) <= datetime.fromisoformat(
            one["updated_at"]
        )


def test_bodies_are_written_as_the_vendors_write_them() -> None:
    deliveries = [delivery for delivery in plan(42) if delivery.accepted]
    shopify = [delivery.body for delivery in deliveries if delivery.source == "shopify"]
    stripe = [delivery.body for delivery in deliveries if delivery.source == "stripe"]

    assert not any(b"<" in body or b"&" in body or b"\n" in body for body in shopify)
    assert any(b"\\u003cp\\u003e" in body for body in shopify)
    assert all(body.startswith(b'{\n  "id": "evt_') for body in stripe)


def test_derived_values_follow_their_rules() -> None:
    for order in ORDERS:
        number = order["id"]
        assert order["admin_graphql_api_id"] == f"gid://shopify/Order/{number}"
        assert order["checkout_id"] == number + 100_000_000
        assert order["order_number"] == order["number"] == 1000 + number - 4_000_000_000
        assert order["name"] == f"#{order['order_number']}"
        assert order["processed_at"] == order["created_at"]
        assert (order["cancelled_at"] is not None) == (order["financial_status"] == "voided")
        assert (order["closed_at"] is not None) == (order["fulfillment_status"] == "fulfilled")
        assert order["total_weight"] == sum(i["grams"] * i["quantity"] for i in order["line_items"])
        paid = order["financial_status"] == "paid"
        assert order["total_outstanding"] == ("0.00" if paid else order["total_price"])
        assert 1 <= len(order["line_items"]) <= 5
    for charge in CHARGES:
        assert 100 <= charge["amount"] <= 50_000
        assert charge["paid"] == (charge["status"] == "succeeded")
        assert charge["amount_captured"] == (charge["amount"] if charge["captured"] else 0)
        low, high = stripe_charges.RISK[charge["outcome"]["risk_level"]]
        assert low <= charge["outcome"]["risk_score"] <= high
    for customer in CUSTOMERS:
        assert customer["addresses"] == [customer["default_address"]]
        assert (customer["total_spent"] == "0") == (customer["orders_count"] == 0)
        assert set(filter(None, customer["tags"].split(", "))) <= set(TAGS)
