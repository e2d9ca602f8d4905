"""An account at Stripe: what it has told the world so far, and the events it sends next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from deploy.generator.chance import Chance
from deploy.generator.delivery import Delivery, Kind
from deploy.generator.payload import Payload, stripe_json
from deploy.generator.people import Person
from deploy.generator.stripe import charge_versions, charges, customers
from deploy.generator.stripe.events import event

PATH = "/webhooks/stripe/webhook"
HEADERS = (
    ("Content-Type", "application/json; charset=utf-8"),
    ("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
)
_ANONYMOUS_RATIO = 0.05


class StripeAccount:
    """Knows the newest version of every object it announced; versions only ever go forward.

    Every method returns the delivery of the event, or ``None`` when there is nothing it could
    happen to. Charges name customers that were announced before.
    """

    def __init__(self, seed: int, now: datetime) -> None:
        self._now = now
        self._customer_rng = Chance(seed, "stripe customers")
        self._charge_rng = Chance(seed, "stripe charges")
        self._event_rng = Chance(seed, "stripe events")
        self._customers: dict[str, Payload] = {}
        self._charges: dict[str, Payload] = {}

    def create_customer(self, person: Person, *, shared: bool) -> Delivery:
        """``customer.created``."""
        made = customers.customer(self._customer_rng, person, shared=shared)
        self._customers[made["id"]] = made
        return self._send("customer.created", made, Kind.CREATION, _created(made))

    def update_customer(self, moment: datetime) -> Delivery | None:
        """``customer.updated``."""
        current = self._one_of(self._customers)
        if current is None:
            return None
        changed, before = customers.next_version(self._customer_rng, current, moment)
        self._customers[changed["id"]] = changed
        return self._send("customer.updated", changed, Kind.UPDATE, moment, before)

    def delete_customer(self, moment: datetime) -> Delivery | None:
        """``customer.deleted``: the event holds the customer as it last was."""
        gone = self._one_of(self._customers)
        if gone is None:
            return None
        del self._customers[gone["id"]]
        return self._send("customer.deleted", gone, Kind.DELETION, moment)

    def create_charge(self) -> Delivery | None:
        """``charge.succeeded``, ``charge.pending`` or ``charge.failed``."""
        customer = self._one_of(self._customers)
        if customer is None:
            return None
        if self._charge_rng.happens(_ANONYMOUS_RATIO):
            customer = None
        made = charges.charge(self._charge_rng, customer, self._now)
        self._charges[made["id"]] = made
        return self._send(charges.event_type(made), made, Kind.CREATION, _created(made))

    def refund_charge(self, moment: datetime) -> Delivery | None:
        """``charge.refunded``, of a part or of all that is left."""
        current = self._one_of(self._charges, charge_versions.refundable)
        if current is None:
            return None
        kind, changed, before = charge_versions.refunded(self._charge_rng, current, moment)
        return self._change(kind, changed, before, moment, Kind.UPDATE)

    def update_charge(self, moment: datetime) -> Delivery | None:
        """What else happens next to one of the charges."""
        current = self._one_of(self._charges)
        if current is None:
            return None
        return self._next_charge_version(current["id"], moment, Kind.UPDATE)

    def update_charge_twice(
        self, first: datetime, second: datetime
    ) -> tuple[Delivery, Delivery] | None:
        """Two versions of one charge, newest first: the older one overtaken on its way."""
        current = self._one_of(self._charges)
        if current is None:
            return None
        older = self._next_charge_version(current["id"], first, Kind.OUT_OF_ORDER)
        newer = self._next_charge_version(current["id"], second, Kind.UPDATE)
        return newer, older

    def _next_charge_version(self, number: str, moment: datetime, kind: Kind) -> Delivery:
        type_, changed, before = charge_versions.next_version(
            self._charge_rng, self._charges[number], moment
        )
        return self._change(type_, changed, before, moment, kind)

    def _change(
        self, type_: str, changed: Payload, before: Payload, moment: datetime, kind: Kind
    ) -> Delivery:
        self._charges[changed["id"]] = changed
        return self._send(type_, changed, kind, moment, before)

    def _one_of(
        self, objects: dict[str, Payload], suits: Callable[[Payload], bool] = lambda _: True
    ) -> Payload | None:
        candidates = [candidate for candidate in objects.values() if suits(candidate)]
        return self._event_rng.choice(candidates) if candidates else None

    def _send(
        self,
        type_: str,
        resource: Payload,
        kind: Kind,
        moment: datetime,
        before: Payload | None = None,
    ) -> Delivery:
        envelope = event(self._event_rng, type_, resource, moment, before)
        return Delivery(
            source="stripe",
            path=PATH,
            topic="stripe.customers" if type_.startswith("customer.") else "stripe.charges",
            event_type=type_,
            event_id=envelope["id"],
            subject=resource["id"],
            headers=HEADERS,
            body=stripe_json(envelope),
            kind=kind,
        )


def _created(resource: Payload) -> datetime:
    return datetime.fromtimestamp(resource["created"], UTC)
