"""How often each thing happens, of what is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from deploy.generator.delivery import Kind
from deploy.generator.happenings import HAPPENINGS, TOPICS, Happening
from deploy.generator.rates import Rates

SMALLEST_PLAN = 60
"""Below this not every kind of delivery has room."""

PLAIN = frozenset(
    {
        "shopify.orders", "shopify.customers", "shopify.products",
        "stripe.customers", "stripe.charges",
    }
)  # fmt: skip
"""Topics that a plan is about unless others are named: each delivery is one record of its bytes."""

DEMONSTRATED = frozenset(TOPICS)
"""Topics of the demonstration: all that the vendors tell about."""

DEMONSTRATED_RATES = Rates(malformed=0.03)
"""Of the demonstration: so that every fault occurs in as many deliveries as a plan has."""

OVERTAKING, OVERTAKEN = "overtaking", "overtaken"
REDELIVERED, MALFORMED = "redelivered", "malformed"


def mix(
    deliveries: int,
    topics: Collection[str] = PLAIN,
    rates: Rates = Rates(),  # noqa: B008 frozen
) -> dict[str, int]:
    """How often each thing happens in exactly so many deliveries.

    Of the topics chosen, everything that has a rate above 0 happens at least once.

    Raises:
        ValueError: fewer deliveries than there are things to happen, or than
            :data:`SMALLEST_PLAN`, or no such topic.
    """
    if deliveries < SMALLEST_PLAN:
        raise ValueError(f"a plan has at least {SMALLEST_PLAN} deliveries, not {deliveries}")
    counts = {
        what: max(1, int(share * deliveries)) for what, share in shares(topics, rates).items()
    }
    filler = max(
        (what for what in counts if what in HAPPENINGS and HAPPENINGS[what].kind is Kind.CREATION),
        key=lambda what: HAPPENINGS[what].weight,
    )
    counts[filler] += deliveries - sum(counts.values())
    if counts[filler] < 1:
        raise ValueError(
            f"{deliveries} deliveries have no room for {len(counts)} different happenings"
        )
    return counts


def shares(topics: Collection[str], rates: Rates) -> dict[str, float]:
    """What happens → its share of all deliveries.

    Raises:
        ValueError: no such topic.
    """
    if unknown := set(topics) - set(TOPICS):
        raise ValueError(f"the vendors tell nothing about {', '.join(sorted(unknown))}")
    if not topics:
        raise ValueError("no topic is chosen")
    chosen = {what: line for what, line in HAPPENINGS.items() if line.topic in topics}
    weights: Counter[Kind] = Counter()
    for line in chosen.values():
        weights[line.kind] += line.weight
    pairs = rates.out_of_order if set(topics) & OVERTAKABLE else 0.0
    found = {
        what: _rate(line, rates, pairs, missing=rates.deleted if not weights[Kind.DELETION] else 0)
        * line.weight
        / weights[line.kind]
        for what, line in chosen.items()
    }
    found |= {
        OVERTAKING: pairs,
        OVERTAKEN: pairs,
        REDELIVERED: rates.redelivered,
        MALFORMED: rates.malformed,
    }
    return {what: share for what, share in found.items() if share > 0}


OVERTAKABLE = frozenset(
    {
        "shopify.orders", "stripe.charges", "hubspot.contacts", "mailchimp.subscribers",
        "standard.events",
    }
)  # fmt: skip
"""Topics in which an older version can come after a newer one."""


def _rate(line: Happening, rates: Rates, pairs: float, missing: float) -> float:
    """Share of a kind; whoever overtakes counts as updated, what no topic has is created."""
    match line.kind:
        case Kind.CREATION:
            return rates.created + missing + rates.out_of_order - pairs
        case Kind.UPDATE:
            return rates.updated - pairs
        case _:
            return rates.of(line.kind)
