"""An account at Stripe: what it has told the world so far, and the events it sends next."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

from deploy.generator.delivery import Delivery, Kind
from deploy.generator.payload import Payload, stripe_json
from deploy.generator.people import People
from deploy.generator.pool import Pool
from deploy.generator.run import Run
from deploy.generator.stripe import charge_versions, charges, customers, payment_intents
from deploy.generator.stripe.events import event

PATH = "/webhooks/stripe/webhook"
HEADERS = (
    ("Content-Type", "application/json; charset=utf-8"),
    ("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
)
_ANONYMOUS_RATIO = 0.05
_WAITING = 100
"""Refunds and disputes whose charge was announced and which are yet to be announced themselves."""

TOPIC_OF_OBJECT = {
    "customer": "stripe.customers",
    "charge": "stripe.charges",
    "payment_intent": "stripe.payment_intents",
    "subscription": "stripe.subscriptions",
    "refund": "stripe.refunds",
    "dispute": "stripe.disputes",
    "invoice": "stripe.invoices",
    "payout": "stripe.events",
}


class StripeAccount:
    """Knows the newest version of what can still change; versions only ever go forward.

    Every method returns the delivery of the event, or ``None`` when there is nothing it could
    happen to. What an object names was announced before. Customers, payments and charges are here,
    what follows from them in :class:`~deploy.generator.stripe.billing.Billing`.
    """

    def __init__(self, run: Run, people: People, now: datetime) -> None:
        self._ids = run.ids
        self._people = people
        self._now = now
        self._customer_rng = run.chance("stripe customers")
        self._charge_rng = run.chance("stripe charges")
        self._event_rng = run.chance("stripe events")
        self.customers: Pool[str, Payload] = Pool(self._event_rng)
        self._charges: Pool[str, Payload] = Pool(self._event_rng)
        self._intents: Pool[str, Payload] = Pool(self._event_rng)
        self._untried: deque[tuple[Payload, Payload | None]] = deque(maxlen=_WAITING)
        self._tried: deque[tuple[str, Payload]] = deque(maxlen=_WAITING)
        self.refunds: deque[Payload] = deque(maxlen=_WAITING)
        self.disputed: deque[tuple[Payload, datetime]] = deque(maxlen=_WAITING)

    def create_customer(self) -> Delivery:
        """``customer.created``."""
        person, shared = self._people.meet("stripe")
        made = customers.customer(self._ids, self._customer_rng, person, shared=shared)
        self.customers.put(made["id"], made)
        return self.send("customer.created", made, Kind.CREATION, created(made))

    def update_customer(self, moment: datetime) -> Delivery | None:
        """``customer.updated``."""
        current = self.customers.one()
        if current is None:
            return None
        changed = customers.next_version(self._customer_rng, current, moment)
        self.customers.change(changed["id"], changed)
        return self.send("customer.updated", changed, Kind.UPDATE, moment, current)

    def delete_customer(self, moment: datetime) -> Delivery | None:
        """``customer.deleted``: the event holds the customer as it last was."""
        gone = self.customers.one()
        if gone is None:
            return None
        self.customers.drop(gone["id"])
        return self.send("customer.deleted", gone, Kind.DELETION, moment)

    def create_intent(self) -> Delivery | None:
        """``payment_intent.created``; a charge will be made for it."""
        if not len(self.customers):
            return None
        customer = self._payer()
        made = payment_intents.payment_intent(self._ids, self._charge_rng, customer, self._now)
        self._intents.put(made["id"], made)
        self._untried.append((made, customer))
        return self.send("payment_intent.created", made, Kind.CREATION, created(made))

    def update_intent(self, moment: datetime) -> Delivery | None:
        """What became of a payment whose charge was announced."""
        if not self._tried:
            return None
        before, charge = self._tried.popleft()
        current = self._intents.get(before)
        if current is None or current["status"] == "canceled":
            return None
        type_, changed = payment_intents.tried(current, charge)
        self._intents.change(changed["id"], changed)
        return self.send(type_, changed, Kind.UPDATE, moment, current)

    def cancel_intent(self, moment: datetime) -> Delivery | None:
        """``payment_intent.canceled`` of a payment that nobody tried."""
        if len(self._untried) < 2:
            return None
        current, _ = self._untried.pop()
        changed = payment_intents.cancelled(self._charge_rng, current, moment)
        self._intents.change(changed["id"], changed)
        return self.send("payment_intent.canceled", changed, Kind.UPDATE, moment, current)

    def create_charge(self) -> Delivery | None:
        """``charge.succeeded``, ``charge.pending`` or ``charge.failed``.

        Of a payment intent that waits for it, if there is one, else a charge on its own.
        """
        if not len(self.customers):
            return None
        intent, customer = self._untried.popleft() if self._untried else (None, self._payer())
        made = charges.charge(self._ids, self._charge_rng, customer, intent, self._now)
        self._charges.put(made["id"], made)
        if intent is not None:
            self._tried.append((intent["id"], made))
        return self.send(charges.event_type(made), made, Kind.CREATION, created(made))

    def refund_charge(self, moment: datetime) -> Delivery | None:
        """``charge.refunded``, of a part or of all that is left."""
        current = self._charges.one(charge_versions.refundable)
        if current is None:
            return None
        changed, given = charge_versions.refunded(self._ids, self._charge_rng, current, moment)
        self.refunds.append(given)
        self._charges.change(changed["id"], changed)
        return self.send("charge.refunded", changed, Kind.UPDATE, moment, current)

    def update_charge(self, moment: datetime) -> Delivery | None:
        """What else happens next to one of the charges."""
        current = self._charges.one()
        return None if current is None else self._next_charge(current, moment, Kind.UPDATE)

    def update_charge_twice(
        self, first: datetime, second: datetime
    ) -> tuple[Delivery, Delivery] | None:
        """Two versions of one charge, newest first: the older one overtaken on its way."""
        current = self._charges.one()
        if current is None:
            return None
        older = self._next_charge(current, first, Kind.OUT_OF_ORDER)
        newer = self._next_charge(self._charges[current["id"]], second, Kind.UPDATE)
        return newer, older

    def send(
        self,
        type_: str,
        resource: Payload,
        kind: Kind,
        moment: datetime,
        before: Payload | None = None,
    ) -> Delivery:
        """The delivery of an event about ``resource``, which was ``before`` it changed."""
        envelope = event(self._ids, self._event_rng, type_, resource, moment, before)
        return Delivery(
            source="stripe",
            path=PATH,
            topic=TOPIC_OF_OBJECT[resource["object"]],
            event_type=type_,
            event_id=envelope["id"],
            subject=resource["id"],
            headers=HEADERS,
            body=stripe_json(envelope),
            kind=kind,
        )

    def _next_charge(self, current: Payload, moment: datetime, kind: Kind) -> Delivery:
        type_, changed = charge_versions.next_version(self._ids, self._charge_rng, current, moment)
        if changed["disputed"] and not current["disputed"]:
            self.disputed.append((changed, moment))
        self._charges.change(changed["id"], changed)
        return self.send(type_, changed, kind, moment, current)

    def _payer(self) -> Payload | None:
        """Who pays: a customer, sometimes nobody with an account."""
        return None if self._charge_rng.happens(_ANONYMOUS_RATIO) else self.customers.one()


def created(resource: Payload) -> datetime:
    """When an object says that it was made."""
    return datetime.fromtimestamp(resource["created"], UTC)
