"""A shop at Shopify: what it has told the world so far, and the webhooks it sends next."""

from __future__ import annotations

from datetime import UTC, datetime

from deploy.generator.chance import Chance
from deploy.generator.delivery import Delivery, Kind
from deploy.generator.payload import Payload, shopify_json
from deploy.generator.people import People
from deploy.generator.pool import Pool
from deploy.generator.run import Run
from deploy.generator.shopify import customers, fulfillments, order_versions, orders, products
from deploy.generator.shopify.orders import Buyer

SHOP = "example.myshopify.com"
API_VERSION = "2024-10"
_GUEST_RATIO = 0.08


class Shop:
    """Knows the newest version of what can still change; versions only ever go forward.

    Every method returns the delivery that announces what happened, or ``None`` when there is
    nothing it could happen to. Orders name customers and products that were announced before.
    """

    def __init__(self, run: Run, people: People, now: datetime) -> None:
        self._ids = run.ids
        self._people = people
        self._now = now
        self._customer_rng = run.chance("shopify customers")
        self._product_rng = run.chance("shopify products")
        self._order_rng = run.chance("shopify orders")
        self._post_rng = run.chance("shopify deliveries")
        self._orders_of: dict[int, list[int]] = {}
        self._redacted: set[int] = set()
        self._customers: Pool[int, Payload] = Pool(self._post_rng, forget=self._forget_customer)
        self._products: Pool[int, Payload] = Pool(self._post_rng)
        self._orders: Pool[int, Payload] = Pool(self._post_rng)
        self._fulfillments: Pool[int, Payload] = Pool(self._post_rng)

    def create_customer(self) -> Delivery:
        """``customers/create``."""
        person, shared = self._people.meet("shopify")
        made = customers.customer(self._ids, self._customer_rng, person, self._now, shared=shared)
        self._customers.put(made["id"], made)
        return self._announce("customers/create", made, Kind.CREATION)

    def update_customer(self, moment: datetime) -> Delivery | None:
        """``customers/update`` of one of the customers."""
        current = self._customers.one(lambda c: c["id"] not in self._redacted)
        if current is None:
            return None
        changed = customers.next_version(self._customer_rng, current, moment)
        self._customers.change(changed["id"], changed)
        return self._announce("customers/update", changed, Kind.UPDATE)

    def delete_customer(self, moment: datetime) -> Delivery | None:
        """``customers/delete``: the shop only deletes customers without orders."""
        gone = self._customers.one(lambda c: c["id"] not in self._orders_of)
        if gone is None:
            return None
        self._customers.drop(gone["id"])
        return self._delete("customers/delete", gone["id"], moment)

    def redact_customer(self, moment: datetime) -> Delivery | None:
        """``customers/redact`` of somebody who bought; names the orders to redact."""
        who = self._customers.one(
            lambda c: c["id"] in self._orders_of and c["id"] not in self._redacted
        )
        if who is None:
            return None
        self._redacted.add(who["id"])
        body = customers.redaction(SHOP, who, self._orders_of[who["id"]])
        return self._post("customers/redact", who["id"], body, Kind.DELETION, moment)

    def redact_shop(self, moment: datetime) -> Delivery:
        """``shop/redact`` of another shop, two days after it gave the app up."""
        number = customers.SHOP_ID + self._post_rng.randint(1, 10**6)
        body = {"shop_id": number, "shop_domain": f"closed-{number}.myshopify.com"}
        return self._post("shop/redact", number, body, Kind.DELETION, moment, "customers")

    def request_data(self, moment: datetime) -> Delivery | None:
        """``customers/data_request`` of somebody who bought."""
        who = self._customers.one(
            lambda c: c["id"] in self._orders_of and c["id"] not in self._redacted
        )
        if who is None:
            return None
        number = self._post_rng.randrange(10**9)
        body = customers.data_request(SHOP, who, self._orders_of[who["id"]], number)
        return self._post("customers/data_request", who["id"], body, Kind.UPDATE, moment)

    def create_product(self) -> Delivery:
        """``products/create``."""
        made = products.product(self._ids, self._product_rng, self._now)
        self._products.put(made["id"], made)
        return self._announce("products/create", made, Kind.CREATION)

    def update_product(self, moment: datetime) -> Delivery | None:
        """``products/update`` of one of the products."""
        current = self._products.one()
        if current is None:
            return None
        changed = products.next_version(self._product_rng, current, moment)
        self._products.change(changed["id"], changed)
        return self._announce("products/update", changed, Kind.UPDATE)

    def delete_product(self, moment: datetime) -> Delivery | None:
        """``products/delete``; the last product stays."""
        gone = self._products.one() if len(self._products) > 1 else None
        if gone is None:
            return None
        self._products.drop(gone["id"])
        return self._delete("products/delete", gone["id"], moment)

    def create_order(self) -> Delivery | None:
        """``orders/create`` by a customer, for some by a guest."""
        offered = self._products.sample(5)
        if not offered:
            return None
        rng = self._order_rng
        customer = self._customers.one(lambda c: c["id"] not in self._redacted)
        if customer is None or rng.happens(_GUEST_RATIO):
            person = self._people.newcomer()
            address = customers.address_of(self._ids, rng, person)
            buyer = Buyer(person.email, person.phone, address, customer=None)
        else:
            buyer = Buyer.of(customer)
        made = orders.order(self._ids, rng, buyer, offered, self._now)
        self._orders.put(made["id"], made)
        if buyer.customer is not None:
            bought = self._orders_of.setdefault(buyer.customer["id"], [])
            bought.append(made["id"])
        return self._announce("orders/create", made, Kind.CREATION)

    def update_order(self, moment: datetime) -> Delivery | None:
        """What happens next to one of the orders."""
        current = self._orders.one()
        return None if current is None else self._next_order(current, moment, Kind.UPDATE)

    def update_order_twice(
        self, first: datetime, second: datetime
    ) -> tuple[Delivery, Delivery] | None:
        """Two versions of one order, newest first: the older one overtaken on its way."""
        current = self._orders.one()
        if current is None:
            return None
        older = self._next_order(current, first, Kind.OUT_OF_ORDER)
        newer = self._next_order(self._orders[current["id"]], second, Kind.UPDATE)
        return newer, older

    def delete_order(self, moment: datetime) -> Delivery | None:
        """``orders/delete``: the shop only deletes what was cancelled."""
        gone = self._orders.one(lambda o: o["cancelled_at"] is not None)
        if gone is None:
            return None
        self._orders.drop(gone["id"])
        return self._delete("orders/delete", gone["id"], moment)

    def create_fulfillment(self, moment: datetime) -> Delivery | None:
        """``fulfillments/create`` of one of the orders."""
        order = self._orders.one()
        if order is None:
            return None
        made = fulfillments.fulfillment(self._ids, self._order_rng, order, moment)
        self._fulfillments.put(made["id"], made)
        return self._announce("fulfillments/create", made, Kind.CREATION, "events")

    def update_fulfillment(self, moment: datetime) -> Delivery | None:
        """``fulfillments/update`` of a parcel on its way."""
        current = self._fulfillments.one(fulfillments.under_way)
        if current is None:
            return None
        changed = fulfillments.next_version(current, moment)
        self._fulfillments.change(changed["id"], changed)
        return self._announce("fulfillments/update", changed, Kind.UPDATE, "events")

    def _next_order(self, current: Payload, moment: datetime, kind: Kind) -> Delivery:
        topic, changed = order_versions.next_version(self._order_rng, current, moment)
        self._orders.change(changed["id"], changed)
        return self._announce(topic, changed, kind)

    def _forget_customer(self, number: int) -> None:
        self._orders_of.pop(number, None)
        self._redacted.discard(number)

    def _announce(
        self, topic: str, body: Payload, kind: Kind, endpoint: str | None = None
    ) -> Delivery:
        moment = datetime.fromisoformat(body["updated_at"])
        return self._post(topic, body["id"], body, kind, moment, endpoint)

    def _delete(self, topic: str, number: int, moment: datetime) -> Delivery:
        return self._post(topic, number, {"id": number}, Kind.DELETION, moment)

    def _post(
        self,
        topic: str,
        number: int,
        body: Payload,
        kind: Kind,
        moment: datetime,
        endpoint: str | None = None,
    ) -> Delivery:
        rng = self._post_rng
        event_id = rng.uuid()
        entity = endpoint or topic.partition("/")[0]
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
