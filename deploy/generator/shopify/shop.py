"""A shop at Shopify: what it has told the world so far, and the webhooks it sends next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from deploy.generator.chance import Chance
from deploy.generator.delivery import Delivery, Kind
from deploy.generator.id_space import IdSpace
from deploy.generator.payload import Payload, shopify_json
from deploy.generator.people import Person
from deploy.generator.shopify import customers, order_versions, orders, products
from deploy.generator.shopify.orders import Buyer

SHOP = "example.myshopify.com"
API_VERSION = "2024-10"
_GUEST_RATIO = 0.08


class Shop:
    """Knows the newest version of every object it announced; versions only ever go forward.

    Every method returns the delivery that announces what happened, or ``None`` when there is
    nothing it could happen to. Orders name customers and products that were announced before.
    """

    def __init__(self, seed: int, now: datetime) -> None:
        self._ids = IdSpace(seed)
        self._now = now
        self._customer_rng = Chance(seed, "shopify customers")
        self._product_rng = Chance(seed, "shopify products")
        self._order_rng = Chance(seed, "shopify orders")
        self._post_rng = Chance(seed, "shopify deliveries")
        self._customers: dict[int, Payload] = {}
        self._products: dict[int, Payload] = {}
        self._orders: dict[int, Payload] = {}
        self._redacted: set[int] = set()

    def create_customer(self, person: Person, *, shared: bool) -> Delivery:
        """``customers/create``."""
        made = customers.customer(self._ids, self._customer_rng, person, self._now, shared=shared)
        self._customers[made["id"]] = made
        return self._announce("customers/create", made, Kind.CREATION)

    def update_customer(self, moment: datetime) -> Delivery | None:
        """``customers/update`` of one of the customers."""
        current = self._one_of(self._customers, lambda c: c["id"] not in self._redacted)
        if current is None:
            return None
        changed = customers.next_version(self._customer_rng, current, moment)
        self._customers[changed["id"]] = changed
        return self._announce("customers/update", changed, Kind.UPDATE)

    def delete_customer(self, moment: datetime) -> Delivery | None:
        """``customers/delete``: the shop only deletes customers without orders."""
        buyers = self._buyers()
        gone = self._one_of(self._customers, lambda c: c["id"] not in buyers)
        if gone is None:
            return None
        del self._customers[gone["id"]]
        return self._delete("customers/delete", gone["id"], moment)

    def redact_customer(self, moment: datetime) -> Delivery | None:
        """``customers/redact`` of somebody who bought; names the orders to redact."""
        buyers = self._buyers() - self._redacted
        who = self._one_of(self._customers, lambda c: c["id"] in buyers)
        if who is None:
            return None
        self._redacted.add(who["id"])
        orders = [
            order["id"]
            for order in self._orders.values()
            if order["customer"] and order["customer"]["id"] == who["id"]
        ]
        body = customers.redaction(SHOP, who, orders)
        return self._post("customers/redact", who["id"], body, Kind.DELETION, moment)

    def create_product(self) -> Delivery:
        """``products/create``."""
        made = products.product(self._ids, self._product_rng, self._now)
        self._products[made["id"]] = made
        return self._announce("products/create", made, Kind.CREATION)

    def update_product(self, moment: datetime) -> Delivery | None:
        """``products/update`` of one of the products."""
        current = self._one_of(self._products)
        if current is None:
            return None
        changed = products.next_version(self._product_rng, current, moment)
        self._products[changed["id"]] = changed
        return self._announce("products/update", changed, Kind.UPDATE)

    def delete_product(self, moment: datetime) -> Delivery | None:
        """``products/delete``; the last product stays."""
        gone = self._one_of(self._products) if len(self._products) > 1 else None
        if gone is None:
            return None
        del self._products[gone["id"]]
        return self._delete("products/delete", gone["id"], moment)

    def create_order(self, guest: Callable[[], Person]) -> Delivery | None:
        """``orders/create`` by a customer, for some by a guest."""
        if not self._products:
            return None
        rng = self._order_rng
        customer = self._one_of(self._customers, lambda c: c["id"] not in self._redacted)
        if customer is None or rng.happens(_GUEST_RATIO):
            person = guest()
            address = customers.address_of(self._ids, rng, person)
            buyer = Buyer(person.email, person.phone, address, customer=None)
        else:
            buyer = Buyer.of(customer)
        products = tuple(self._products.values())
        made = orders.order(self._ids, rng, buyer, products, self._now)
        self._orders[made["id"]] = made
        return self._announce("orders/create", made, Kind.CREATION)

    def update_order(self, moment: datetime) -> Delivery | None:
        """What happens next to one of the orders."""
        current = self._one_of(self._orders)
        if current is None:
            return None
        return self._next_order_version(current["id"], moment)

    def update_order_twice(
        self, first: datetime, second: datetime
    ) -> tuple[Delivery, Delivery] | None:
        """Two versions of one order, newest first: the older one overtaken on its way."""
        current = self._one_of(self._orders)
        if current is None:
            return None
        older = self._next_order_version(current["id"], first, Kind.OUT_OF_ORDER)
        newer = self._next_order_version(current["id"], second)
        return newer, older

    def delete_order(self, moment: datetime) -> Delivery | None:
        """``orders/delete``: the shop only deletes what was cancelled."""
        gone = self._one_of(self._orders, lambda o: o["cancelled_at"] is not None)
        if gone is None:
            return None
        del self._orders[gone["id"]]
        return self._delete("orders/delete", gone["id"], moment)

    def _next_order_version(
        self, number: int, moment: datetime, kind: Kind = Kind.UPDATE
    ) -> Delivery:
        current = self._orders[number]
        topic, changed = order_versions.next_version(self._order_rng, current, moment)
        self._orders[number] = changed
        return self._announce(topic, changed, kind)

    def _buyers(self) -> set[int]:
        return {order["customer"]["id"] for order in self._orders.values() if order["customer"]}

    def _one_of(
        self, objects: dict[int, Payload], suits: Callable[[Payload], bool] = lambda _: True
    ) -> Payload | None:
        candidates = [candidate for candidate in objects.values() if suits(candidate)]
        return self._post_rng.choice(candidates) if candidates else None

    def _announce(self, topic: str, body: Payload, kind: Kind) -> Delivery:
        return self._post(topic, body["id"], body, kind, datetime.fromisoformat(body["updated_at"]))

    def _delete(self, topic: str, number: int, moment: datetime) -> Delivery:
        return self._post(topic, number, {"id": number}, Kind.DELETION, moment)

    def _post(
        self, topic: str, number: int, body: Payload, kind: Kind, moment: datetime
    ) -> Delivery:
        rng = self._post_rng
        event_id = rng.uuid()
        entity = topic.partition("/")[0]
        return Delivery(
            source="shopify",
            path=f"/webhooks/shopify/{entity}",
            topic=f"shopify.{entity}",
            event_type=topic,
            event_id=event_id,
            subject=str(number),
            headers=(
                ("Content-Type", "application/json"),
                ("User-Agent", "Shopify-Captain-Hook"),
                ("X-Shopify-Topic", topic),
                ("X-Shopify-Shop-Domain", SHOP),
                ("X-Shopify-API-Version", API_VERSION),
                ("X-Shopify-Webhook-Id", rng.uuid()),
                ("X-Shopify-Event-Id", event_id),
                ("X-Shopify-Triggered-At", _nanoseconds(rng, moment)),
            ),
            body=shopify_json(body),
            kind=kind,
        )


def _nanoseconds(rng: Chance, moment: datetime) -> str:
    """Shopify writes this header with nine decimal places: ``2025-03-01T12:00:00.123456789Z``."""
    utc = datetime.fromtimestamp(moment.timestamp(), UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{rng.randrange(10**9):09}Z"
