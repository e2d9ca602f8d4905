"""The vendors of a run, and what makes each thing happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from deploy.generator.delivery import Delivery
from deploy.generator.hubspot.portal import Portal
from deploy.generator.mailchimp.audience import Audience
from deploy.generator.people import People
from deploy.generator.run import Run
from deploy.generator.shopify.shop import Shop
from deploy.generator.standard.desk import Desk
from deploy.generator.stripe.account import StripeAccount
from deploy.generator.stripe.billing import Billing

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
