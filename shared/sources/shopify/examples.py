"""Shopify requests as the vendor sends them, signed with an invented secret."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.sources.spec import Example, Expected

_SECRET = "shpss_test_secret"  # noqa: S105 invented

EXAMPLES = (
    Example(
        name="order",
        path="/webhooks/shopify/orders",
        headers={
            "Content-Type": "application/json",
            "X-Shopify-Topic": "orders/create",
            "X-Shopify-Event-Id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
            "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
            "X-Shopify-Triggered-At": "2024-01-15T15:31:02.123456789Z",
            "X-Shopify-Shop-Domain": "example.myshopify.com",
            "X-Shopify-API-Version": "2024-10",
            "X-Shopify-Hmac-Sha256": "BCdNHuFdD4kwx6x+V/IquNkMo8gqWQIFHPxLSp26OzQ=",
        },
        body=(
            b'{"id":4000000001,"email":"ada@example.com","created_at":"2024-01-15T10:30:00-05:00",'
            b'"updated_at":"2024-01-15T10:31:00-05:00","currency":"USD","total_price":"108.00",'
            b'"customer":{"id":1001},"line_items":[{"id":5000000001,"price":"100.00","quantity":1,'
            b'"tax_lines":[{"price":"8.00"}]}],"test":false}'
        ),
        secret=_SECRET,
        at=1_705_332_662,
        becomes=(
            Expected(
                topic="shopify.orders",
                key="4000000001",
                event_id="98880550-7158-44d4-b7cd-2c97c8a091b5",
                event_type="orders/create",
                event_time=datetime(2024, 1, 15, 15, 31, 2, 123456, tzinfo=UTC),
            ),
        ),
        source="signed with Python's hmac",
    ),
    Example(
        name="customer",
        path="/webhooks/shopify/customers",
        headers={
            "Content-Type": "application/json",
            "X-Shopify-Topic": "customers/create",
            "X-Shopify-Webhook-Id": "c0b2f1c4-6a0e-4a44-9dd5-1b5b6c7d8e9f",
            "X-Shopify-Hmac-Sha256": "QFDwSiEv9RzJfVaSk0l+QOtlDccwb8R6RtyVgJH1wDo=",
        },
        body=b'{"id":1001,"email":"ada@example.com"}',
        secret=_SECRET,
        at=1_705_332_662,
        becomes=(
            Expected(
                topic="shopify.customers",
                key="1001",
                event_id="c0b2f1c4-6a0e-4a44-9dd5-1b5b6c7d8e9f",
                event_type="customers/create",
            ),
        ),
        source="signed with Python's hmac",
    ),
    Example(
        name="customer-to-redact",
        path="/webhooks/shopify/customers",
        headers={
            "Content-Type": "application/json",
            "X-Shopify-Topic": "customers/redact",
            "X-Shopify-Hmac-Sha256": "aBXYtuPFixBbUzSGJaIjItv9Nowq+LRyG/UQlErm3ss=",
        },
        body=(
            b'{"shop_id":954889,"shop_domain":"example.myshopify.com","customer":{"id":191167,'
            b'"email":"ada@example.com"},"orders_to_redact":[299938,280263]}'
        ),
        secret=_SECRET,
        at=1_705_332_662,
        becomes=(Expected(topic="shopify.customers", key="191167", event_type="customers/redact"),),
        source="shopify.dev, Mandatory compliance webhooks, shortened; signed with Python's hmac",
    ),
    Example(
        name="product",
        path="/webhooks/shopify/products",
        headers={
            "Content-Type": "application/json",
            "X-Shopify-Topic": "products/update",
            "X-Shopify-Hmac-Sha256": "/9mI1FJzI4WcHGQChVwjj81/ll5wKtUY+a+n+E2Ki5A=",
        },
        body=(
            b'{"id":2000000001,"title":"Shirt","status":"active",'
            b'"created_at":"2024-01-15T10:30:00-05:00","updated_at":"2024-01-15T10:31:00-05:00",'
            b'"variants":[{"id":3000000001,"price":"19.99"}]}'
        ),
        secret=_SECRET,
        at=1_705_332_662,
        becomes=(
            Expected(
                topic="shopify.products",
                key="2000000001",
                event_type="products/update",
                event_time=datetime(2024, 1, 15, 15, 31, tzinfo=UTC),
            ),
        ),
        source="signed with Python's hmac",
    ),
    Example(
        name="another-topic",
        path="/webhooks/shopify/events",
        headers={
            "Content-Type": "application/json",
            "X-Shopify-Topic": "app/uninstalled",
            "X-Shopify-Hmac-Sha256": "XVEq9RT6enjUR2yUAsW71FgRX0wKOwxSRkW+aoJTWDM=",
        },
        body=(
            b'{"id":954889,"name":"Example","myshopify_domain":"example.myshopify.com",'
            b'"created_at":"2024-01-15T10:30:00-05:00","updated_at":"2024-01-15T10:31:00-05:00"}'
        ),
        secret=_SECRET,
        at=1_705_332_662,
        becomes=(
            Expected(
                topic="shopify.events",
                key="954889",
                event_type="app/uninstalled",
                event_time=datetime(2024, 1, 15, 15, 31, tzinfo=UTC),
            ),
        ),
        source="signed with Python's hmac",
    ),
)
