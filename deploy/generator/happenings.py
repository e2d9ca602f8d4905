"""Everything that can happen at the vendors, how often, and what makes it happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from deploy.generator.delivery import Delivery, Kind
from deploy.generator.hubspot.portal import Portal
from deploy.generator.mailchimp.audience import Audience
from deploy.generator.people import People
from deploy.generator.run import Run
from deploy.generator.shopify.shop import Shop
from deploy.generator.standard.desk import Desk
from deploy.generator.stripe.account import StripeAccount
from deploy.generator.stripe.billing import Billing


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the mix.

    Attributes:
        topic: where it is told, ``<source>.<things>``.
        kind: of its deliveries.
        weight: how often it happens beside the others of its kind.
    """

    topic: str
    kind: Kind
    weight: int

    @property
    def source(self) -> str:
        """The vendor."""
        return self.topic.partition(".")[0]


def _lines(topic: str, kinds: Mapping[Kind, Mapping[str, int]]) -> dict[str, Happening]:
    return {
        what: Happening(topic, kind, weight)
        for kind, lines in kinds.items()
        for what, weight in lines.items()
    }


_NEW, _CHANGED, _GONE = Kind.CREATION, Kind.UPDATE, Kind.DELETION

HAPPENINGS: Mapping[str, Happening] = MappingProxyType(
    _lines(
        "shopify.orders",
        {
            _NEW: {"shopify order created": 230},
            _CHANGED: {"shopify order updated": 60},
            _GONE: {"shopify order deleted": 3},
        },
    )
    | _lines(
        "shopify.customers",
        {
            _NEW: {"shopify customer created": 120},
            _CHANGED: {"shopify customer updated": 30, "shopify data requested": 2},
            _GONE: {
                "shopify customer deleted": 6,
                "shopify customer redacted": 2,
                "shopify shop redacted": 1,
            },
        },
    )
    | _lines(
        "shopify.products",
        {
            _NEW: {"shopify product created": 40},
            _CHANGED: {"shopify product updated": 15},
            _GONE: {"shopify product deleted": 3},
        },
    )
    | _lines(
        "shopify.events",
        {
            _NEW: {"shopify fulfillment created": 20},
            _CHANGED: {"shopify fulfillment updated": 15},
        },
    )
    | _lines(
        "stripe.customers",
        {
            _NEW: {"stripe customer created": 80},
            _CHANGED: {"stripe customer updated": 20},
            _GONE: {"stripe customer deleted": 4},
        },
    )
    | _lines(
        "stripe.charges",
        {
            _NEW: {"stripe charge created": 180},
            _CHANGED: {"stripe charge updated": 20, "stripe charge refunded": 25},
        },
    )
    | _lines(
        "stripe.payment_intents",
        {
            _NEW: {"stripe payment created": 150},
            _CHANGED: {"stripe payment updated": 130, "stripe payment cancelled": 10},
        },
    )
    | _lines(
        "stripe.subscriptions",
        {
            _NEW: {"stripe subscription created": 25},
            _CHANGED: {"stripe subscription updated": 20},
            _GONE: {"stripe subscription deleted": 4},
        },
    )
    | _lines(
        "stripe.invoices",
        {
            _NEW: {"stripe invoice created": 30},
            _CHANGED: {"stripe invoice updated": 45},
        },
    )
    | _lines(
        "stripe.refunds",
        {
            _NEW: {"stripe refund created": 20},
            _CHANGED: {"stripe refund updated": 6},
        },
    )
    | _lines(
        "stripe.disputes",
        {
            _NEW: {"stripe dispute created": 5},
            _CHANGED: {"stripe dispute updated": 6},
        },
    )
    | _lines(
        "stripe.events",
        {
            _NEW: {"stripe payout created": 10},
            _CHANGED: {"stripe payout updated": 5},
        },
    )
    | _lines(
        "hubspot.contacts",
        {
            _NEW: {"hubspot contact created": 100},
            _CHANGED: {
                "hubspot contact updated": 40,
                "hubspot contacts merged": 3,
                "hubspot batch": 15,
            },
            _GONE: {"hubspot contact deleted": 5},
        },
    )
    | _lines(
        "hubspot.companies",
        {
            _NEW: {"hubspot company created": 30},
            _CHANGED: {"hubspot company updated": 8},
            _GONE: {"hubspot company deleted": 1},
        },
    )
    | _lines(
        "hubspot.deals",
        {
            _NEW: {"hubspot deal created": 60},
            _CHANGED: {"hubspot deal updated": 40},
            _GONE: {"hubspot deal deleted": 2},
        },
    )
    | _lines("hubspot.events", {_NEW: {"hubspot engagement created": 20}})
    | _lines(
        "mailchimp.subscribers",
        {
            _NEW: {"mailchimp subscriber created": 100},
            _CHANGED: {"mailchimp subscriber updated": 40},
            _GONE: {"mailchimp subscriber deleted": 3},
        },
    )
    | _lines(
        "mailchimp.campaigns",
        {
            _NEW: {"mailchimp campaign created": 20},
            _CHANGED: {"mailchimp campaign updated": 10},
        },
    )
    | _lines("mailchimp.events", {_NEW: {"mailchimp engagement": 250}})
    | _lines(
        "standard.events",
        {
            _NEW: {"standard ticket created": 40},
            _CHANGED: {"standard ticket updated": 30},
            _GONE: {"standard ticket deleted": 2},
        },
    )
)
"""What happens, by name: the weights of a default run."""

TOPICS: tuple[str, ...] = tuple(dict.fromkeys(each.topic for each in HAPPENINGS.values()))
"""Everything that the vendors can tell about."""

Happen = Callable[[datetime], Delivery | None]
Pair = Callable[[datetime, datetime], tuple[Delivery, Delivery] | None]


class Vendors:
    """All vendors of a run: ``happen`` and ``overtake`` are what they can do.

    Attributes:
        happen: name of a happening → what makes it happen at a moment; ``None`` when there is
            nothing that it could happen to.
        overtake: topic → what makes two versions of one thing, newest first.
    """

    def __init__(self, run: Run, people: People, now: datetime) -> None:
        shop = Shop(run, people, now)
        account = StripeAccount(run, people, now)
        billing = Billing(run, account, now)
        portal = Portal(run, people, now)
        audience = Audience(run, people, now)
        desk = Desk(run, people, now)
        self.happen: Mapping[str, Happen] = {
            "shopify order created": lambda _: shop.create_order(),
            "shopify order updated": shop.update_order,
            "shopify order deleted": shop.delete_order,
            "shopify customer created": lambda _: shop.create_customer(),
            "shopify customer updated": shop.update_customer,
            "shopify data requested": shop.request_data,
            "shopify customer deleted": shop.delete_customer,
            "shopify customer redacted": shop.redact_customer,
            "shopify shop redacted": shop.redact_shop,
            "shopify product created": lambda _: shop.create_product(),
            "shopify product updated": shop.update_product,
            "shopify product deleted": shop.delete_product,
            "shopify fulfillment created": shop.create_fulfillment,
            "shopify fulfillment updated": shop.update_fulfillment,
            "stripe customer created": lambda _: account.create_customer(),
            "stripe customer updated": account.update_customer,
            "stripe customer deleted": account.delete_customer,
            "stripe charge created": lambda _: account.create_charge(),
            "stripe charge updated": account.update_charge,
            "stripe charge refunded": account.refund_charge,
            "stripe payment created": lambda _: account.create_intent(),
            "stripe payment updated": account.update_intent,
            "stripe payment cancelled": account.cancel_intent,
            "stripe subscription created": lambda _: billing.create_subscription(),
            "stripe subscription updated": billing.update_subscription,
            "stripe subscription deleted": billing.end_subscription,
            "stripe invoice created": billing.create_invoice,
            "stripe invoice updated": billing.update_invoice,
            "stripe refund created": lambda _: billing.create_refund(),
            "stripe refund updated": billing.update_refund,
            "stripe dispute created": lambda _: billing.create_dispute(),
            "stripe dispute updated": billing.update_dispute,
            "stripe payout created": billing.create_payout,
            "stripe payout updated": billing.update_payout,
            "hubspot contact created": lambda _: portal.create_contact(),
            "hubspot contact updated": lambda moment: portal.update("contact", moment),
            "hubspot contacts merged": portal.merge,
            "hubspot batch": portal.update_several,
            "hubspot contact deleted": lambda moment: portal.delete("contact", moment),
            "hubspot company created": lambda _: portal.create_company(),
            "hubspot company updated": lambda moment: portal.update("company", moment),
            "hubspot company deleted": lambda moment: portal.delete("company", moment),
            "hubspot deal created": lambda _: portal.create_deal(),
            "hubspot deal updated": lambda moment: portal.update("deal", moment),
            "hubspot deal deleted": lambda moment: portal.delete("deal", moment),
            "hubspot engagement created": lambda _: portal.note(),
            "mailchimp subscriber created": lambda _: audience.create_subscriber(),
            "mailchimp subscriber updated": audience.update_subscriber,
            "mailchimp subscriber deleted": audience.delete_subscriber,
            "mailchimp campaign created": lambda _: audience.create_campaign(),
            "mailchimp campaign updated": audience.update_campaign,
            "mailchimp engagement": lambda _: audience.engage(),
            "standard ticket created": lambda _: desk.create_ticket(),
            "standard ticket updated": desk.update_ticket,
            "standard ticket deleted": desk.delete_ticket,
        }
        self.overtake: Mapping[str, Pair] = {
            "shopify.orders": shop.update_order_twice,
            "stripe.charges": account.update_charge_twice,
            "hubspot.contacts": portal.update_twice,
            "mailchimp.subscribers": audience.update_subscriber_twice,
            "standard.events": desk.update_ticket_twice,
        }
