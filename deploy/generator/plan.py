"""The delivery plan: a seed becomes the ordered list of everything that is posted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from deploy.generator.chance import Chance
from deploy.generator.delivery import Delivery, Kind, Source
from deploy.generator.malformed import FAULTS
from deploy.generator.people import SHARED_RATIO, People, Person
from deploy.generator.shopify.shop import Shop
from deploy.generator.stripe.account import StripeAccount
from deploy.generator.variations import as_seen_elsewhere

DEFAULT_DELIVERIES = 920
SMALLEST_PLAN = 60
"""Below this not every kind of delivery has room."""

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""When the vendors of the default plan live: fixed, so that a seed always gives the same bytes."""

MIX: Mapping[str, int] = MappingProxyType(
    {
        "shopify order created": 230,
        "shopify order updated": 60,
        "shopify order deleted": 3,
        "shopify customer created": 120,
        "shopify customer updated": 30,
        "shopify customer deleted": 6,
        "shopify customer redacted": 2,
        "shopify product created": 40,
        "shopify product updated": 15,
        "shopify product deleted": 3,
        "stripe charge created": 180,
        "stripe charge updated": 20,
        "stripe charge refunded": 25,
        "stripe customer created": 80,
        "stripe customer updated": 20,
        "stripe customer deleted": 4,
        "overtaking": 12,
        "overtaken": 12,
        "redelivered": 40,
        "malformed": 18,
    }
)
"""How often each thing happens in 920 deliveries; other sizes are scaled."""

_FILLER = "shopify order created"


def mix(deliveries: int) -> dict[str, int]:
    """The mix scaled to exactly ``deliveries``; everything happens at least once.

    Raises:
        ValueError: fewer than :data:`SMALLEST_PLAN`.
    """
    if deliveries < SMALLEST_PLAN:
        raise ValueError(f"a plan has at least {SMALLEST_PLAN} deliveries, not {deliveries}")
    total = sum(MIX.values())
    scaled = {what: max(1, count * deliveries // total) for what, count in MIX.items()}
    scaled[_FILLER] += deliveries - sum(scaled.values())
    return scaled


def plan(seed: int, deliveries: int = DEFAULT_DELIVERIES, *, now: datetime = NOW) -> list[Delivery]:
    """Exactly ``deliveries`` posts in order; equal arguments give equal bytes.

    Objects are created up to ``now`` and changed in the minutes after it. Everything that a
    delivery names was announced by an earlier one.

    Raises:
        ValueError: fewer than :data:`SMALLEST_PLAN` deliveries.
    """
    return _Planner(seed, mix(deliveries), now).run()


class _Planner:
    def __init__(self, seed: int, remaining: dict[str, int], now: datetime) -> None:
        self._remaining = remaining
        self._rng = Chance(seed, "plan")
        self._clock = now
        customers = {
            "shopify": remaining["shopify customer created"],
            "stripe": remaining["stripe customer created"],
        }
        self._people = People(seed, now, shared=max(customers.values()) // 3)
        self._unknown_to: dict[Source, list[Person]] = {
            "shopify": self._rng.sample(self._people.shared, len(self._people.shared)),
            "stripe": self._rng.sample(self._people.shared, len(self._people.shared)),
        }
        self._shop = Shop(seed, now)
        self._stripe = StripeAccount(seed, now)
        self._done: list[Delivery] = []
        self._overtaken: deque[Delivery] = deque()
        self._faults = deque(FAULTS.items())

    def run(self) -> list[Delivery]:
        total = sum(self._remaining.values())
        actions = self._actions()
        while len(self._done) < total:
            self._done.append(self._next(actions))
        return self._done

    def _next(self, actions: Mapping[str, Callable[[], Delivery | None]]) -> Delivery:
        """The next thing that can happen, drawn by what is still to happen."""
        wanted = [what for what, count in self._remaining.items() if count]
        wanted.sort(key=lambda what: self._rng.random() ** (1 / self._remaining[what]))
        for what in reversed(wanted):
            delivery = actions[what]()
            if delivery is not None:
                self._remaining[what] -= 1
                return delivery
        # What is left lacks its object (say, a cancelled order to delete): create one more.
        self._remaining[wanted[0]] -= 1
        return self._shop.create_order(self._people.newcomer) or self._shop.create_product()

    def _actions(self) -> dict[str, Callable[[], Delivery | None]]:
        shop, stripe, tick = self._shop, self._stripe, self._tick
        return {
            "shopify order created": lambda: shop.create_order(self._people.newcomer),
            "shopify order updated": lambda: shop.update_order(tick()),
            "shopify order deleted": lambda: shop.delete_order(tick()),
            "shopify customer created": self._shopify_customer,
            "shopify customer updated": lambda: shop.update_customer(tick()),
            "shopify customer deleted": lambda: shop.delete_customer(tick()),
            "shopify customer redacted": lambda: shop.redact_customer(tick()),
            "shopify product created": shop.create_product,
            "shopify product updated": lambda: shop.update_product(tick()),
            "shopify product deleted": lambda: shop.delete_product(tick()),
            "stripe charge created": stripe.create_charge,
            "stripe charge updated": lambda: stripe.update_charge(tick()),
            "stripe charge refunded": lambda: stripe.refund_charge(tick()),
            "stripe customer created": self._stripe_customer,
            "stripe customer updated": lambda: stripe.update_customer(tick()),
            "stripe customer deleted": lambda: stripe.delete_customer(tick()),
            "overtaking": self._overtake,
            "overtaken": lambda: self._overtaken.popleft() if self._overtaken else None,
            "redelivered": self._redeliver,
            "malformed": self._malform,
        }

    def _tick(self) -> datetime:
        self._clock += timedelta(seconds=1)
        return self._clock

    def _shopify_customer(self) -> Delivery:
        person = self._shared_person("shopify")
        return self._shop.create_customer(
            person or self._people.newcomer(), shared=person is not None
        )

    def _stripe_customer(self) -> Delivery:
        person = self._shared_person("stripe")
        if person is None:
            return self._stripe.create_customer(self._people.newcomer(), shared=False)
        return self._stripe.create_customer(as_seen_elsewhere(self._rng, person), shared=True)

    def _shared_person(self, source: Source) -> Person | None:
        unknown = self._unknown_to[source]
        return unknown.pop() if unknown and self._rng.happens(SHARED_RATIO) else None

    def _overtake(self) -> Delivery | None:
        vendor = self._rng.choice((self._shop.update_order_twice, self._stripe.update_charge_twice))
        pair = vendor(self._tick(), self._tick())
        if pair is None:
            return None
        newer, older = pair
        self._overtaken.append(older)
        return newer

    def _redeliver(self) -> Delivery | None:
        sent = [delivery for delivery in self._done if delivery.accepted]
        return replace(self._rng.choice(sent), kind=Kind.REDELIVERY) if sent else None

    def _malform(self) -> Delivery | None:
        (source, _), spoil = self._faults[0]
        good = [done for done in self._done if done.accepted and done.source == source]
        if not good:
            return None
        self._faults.rotate(-1)
        return spoil(self._rng.choice(good))
