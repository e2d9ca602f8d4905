"""Everything that can happen at the vendors, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from deploy.generator.delivery import Kind


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
