"""What follows from an account's payments: refunds, disputes, subscriptions, invoices, payouts."""

from __future__ import annotations

from datetime import datetime

from deploy.generator.delivery import Delivery, Kind
from deploy.generator.payload import Payload
from deploy.generator.pool import Pool
from deploy.generator.run import Run
from deploy.generator.stripe import disputes, invoices, payouts, refunds, subscriptions
from deploy.generator.stripe.account import StripeAccount, created


class Billing:
    """Names only customers and charges that the account announced; otherwise as it is there."""

    def __init__(self, run: Run, account: StripeAccount, now: datetime) -> None:
        self._ids = run.ids
        self._account = account
        self._now = now
        self._rng = rng = run.chance("stripe billing")
        self._refunds: Pool[str, Payload] = Pool(rng)
        self._disputes: Pool[str, Payload] = Pool(rng)
        self._subscriptions: Pool[str, tuple[Payload, Payload]] = Pool(rng)
        self._invoices: Pool[str, Payload] = Pool(rng)
        self._payouts: Pool[str, Payload] = Pool(rng)

    def create_refund(self) -> Delivery | None:
        """``refund.created`` of a refund that its charge already holds."""
        if not self._account.refunds:
            return None
        made = self._account.refunds.popleft()
        self._refunds.put(made["id"], made)
        return self._account.send("refund.created", made, Kind.CREATION, created(made))

    def update_refund(self, moment: datetime) -> Delivery | None:
        """``refund.updated``."""
        current = self._refunds.one()
        if current is None:
            return None
        changed = refunds.next_version(self._rng, current)
        self._refunds.change(changed["id"], changed)
        return self._account.send("refund.updated", changed, Kind.UPDATE, moment, current)

    def create_dispute(self) -> Delivery | None:
        """``charge.dispute.created`` of a charge that was announced as disputed."""
        if not self._account.disputed:
            return None
        charge, moment = self._account.disputed.popleft()
        made = disputes.dispute(self._ids, self._rng, charge, moment)
        self._disputes.put(made["id"], made)
        return self._account.send("charge.dispute.created", made, Kind.CREATION, moment)

    def update_dispute(self, moment: datetime) -> Delivery | None:
        """``charge.dispute.updated`` or ``.closed``."""
        current = self._disputes.one(disputes.open_still)
        if current is None:
            return None
        type_, changed = disputes.next_version(self._rng, current)
        self._disputes.change(changed["id"], changed)
        return self._account.send(type_, changed, Kind.UPDATE, moment, current)

    def create_subscription(self) -> Delivery | None:
        """``customer.subscription.created``."""
        customer = self._account.customers.one()
        if customer is None:
            return None
        made = subscriptions.subscription(self._ids, self._rng, customer, self._now)
        self._subscriptions.put(made["id"], (made, customer))
        type_ = "customer.subscription.created"
        return self._account.send(type_, made, Kind.CREATION, created(made))

    def update_subscription(self, moment: datetime) -> Delivery | None:
        """``customer.subscription.updated``."""
        found = self._subscriptions.one()
        if found is None:
            return None
        current, customer = found
        changed = subscriptions.next_version(self._rng, current)
        self._subscriptions.change(changed["id"], (changed, customer))
        type_ = "customer.subscription.updated"
        return self._account.send(type_, changed, Kind.UPDATE, moment, current)

    def end_subscription(self, moment: datetime) -> Delivery | None:
        """``customer.subscription.deleted``."""
        found = self._subscriptions.one()
        if found is None:
            return None
        current, _ = found
        self._subscriptions.drop(current["id"])
        gone = subscriptions.ended(current, moment)
        type_ = "customer.subscription.deleted"
        return self._account.send(type_, gone, Kind.DELETION, moment)

    def create_invoice(self, moment: datetime) -> Delivery | None:
        """``invoice.created`` of a subscription; its next version names the invoice."""
        found = self._subscriptions.one()
        if found is None:
            return None
        subscription, customer = found
        made = invoices.invoice(self._ids, self._rng, customer, subscription, moment)
        self._invoices.put(made["id"], made)
        renewed = {**subscription, "latest_invoice": made["id"]}
        self._subscriptions.change(subscription["id"], (renewed, customer))
        return self._account.send("invoice.created", made, Kind.CREATION, moment)

    def update_invoice(self, moment: datetime) -> Delivery | None:
        """``invoice.finalized``, ``.paid`` or ``.payment_failed``."""
        current = self._invoices.one(invoices.settling)
        if current is None:
            return None
        type_, changed = invoices.next_version(self._rng, current, moment)
        self._invoices.change(changed["id"], changed)
        return self._account.send(type_, changed, Kind.UPDATE, moment, current)

    def create_payout(self, moment: datetime) -> Delivery:
        """``payout.created``."""
        made = payouts.payout(self._ids, self._rng, moment)
        self._payouts.put(made["id"], made)
        return self._account.send("payout.created", made, Kind.CREATION, moment)

    def update_payout(self, moment: datetime) -> Delivery | None:
        """``payout.paid`` or ``payout.failed``."""
        current = self._payouts.one(payouts.on_its_way)
        if current is None:
            return None
        type_, changed = payouts.arrived(self._rng, current)
        self._payouts.change(changed["id"], changed)
        return self._account.send(type_, changed, Kind.UPDATE, moment, current)
